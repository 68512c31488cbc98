#include "unwind/image_index.h"

#include "platform/loader.h"
#include "platform/mapped_elf.h"
#include "platform/mappings.h"
#include "unwind/rule.h"

static bool asks_loader;

void image_index_begin(void)
{
    asks_loader = loader_begin_look_up();
}

/* ---- without the loader's help ---- */

/* An image that was found before. Written by one thread at a time, and read by all. */
struct known_image {
    uint64_t epoch; /* stored last; another one: nothing is known */
    uintptr_t begin, end, index;
};

enum { KNOWN_IMAGES = 512 };

static struct known_image known_images[KNOWN_IMAGES];
static uint32_t known_count;

static void keep(const struct mapped_segment *image)
{
    uint32_t place = __atomic_fetch_add(&known_count, 1, __ATOMIC_RELAXED) % KNOWN_IMAGES;
    struct known_image *kept = &known_images[place];
    uint64_t epoch = __atomic_load_n(&unwind_rules->epoch, __ATOMIC_RELAXED) + 1; /* 0 is "nothing" */
    __atomic_store_n(&kept->epoch, 0, __ATOMIC_RELEASE);
    kept->begin = image->begin;
    kept->end = image->end;
    kept->index = image->unwind_index;
    __atomic_store_n(&kept->epoch, epoch, __ATOMIC_RELEASE);
}

static bool find_known(uintptr_t pc, uintptr_t *index)
{
    uint64_t epoch = __atomic_load_n(&unwind_rules->epoch, __ATOMIC_RELAXED) + 1;
    for (unsigned i = 0; i < KNOWN_IMAGES; i++) {
        struct known_image *known = &known_images[i];
        if (__atomic_load_n(&known->epoch, __ATOMIC_ACQUIRE) != epoch)
            continue;
        struct known_image image = *known;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (pc - image.begin >= image.end - image.begin || __atomic_load_n(&known->epoch, __ATOMIC_RELAXED) != epoch)
            continue;
        *index = image.index;
        return true;
    }
    return false;
}

static bool find_by_mappings(uintptr_t pc, uintptr_t *index)
{
    struct os_mapping mapping;
    struct mapped_segment image;
    if (find_known(pc, index))
        return true;
    *index = 0;
    if (!os_mapping_of(pc, &mapping, NULL, 0))
        return false;
    uintptr_t head = mapping.inode ? mapping.head : mapping.begin; /* the vDSO is no file */
    bool is_elf = head && mapped_elf_is_at(head);
    if (!is_elf || !mapped_elf_segment(head, pc, &image))
        return false;
    *index = image.unwind_index;
    keep(&image);
    return true;
}

bool image_index_of(uintptr_t pc, uintptr_t *index)
{
    return asks_loader ? loader_look_up(pc, index) : find_by_mappings(pc, index);
}

void image_index_without_loader(void)
{
    asks_loader = false;
}

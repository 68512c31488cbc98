#define _GNU_SOURCE
#include "unwind/image_index.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

#include "platform/mappings.h"
#include "platform/os.h"
#include "unwind/rule.h"

extern void *dlvsym(void *handle, const char *name, const char *version) __attribute__((weak));

/* struct dl_find_object of glibc's <dlfcn.h> on x86-64, which older ones do not have. */
struct found_object {
    unsigned long long flags;
    void *begin, *end;
    struct link_map *map;
    void *index; /* of PT_GNU_EH_FRAME, NULL if there is none */
    unsigned long long reserved[7];
};

static int (*find_object)(void *address, struct found_object *found);

void image_index_begin(void)
{
    if (!find_object && dlvsym)
        find_object = (int (*)(void *, struct found_object *))dlvsym(RTLD_DEFAULT, "_dl_find_object", "GLIBC_2.35");
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

/* The segments of the image whose ELF header is at `head`. */
static bool read_segments(uintptr_t head, uintptr_t pc, struct known_image *image)
{
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)head;
    const ElfW(Phdr) *segments = (const ElfW(Phdr) *)(head + header->e_phoff);
    uintptr_t base = head;
    bool is_there = false;
    *image = (struct known_image){0};
    for (unsigned i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_LOAD && segments[i].p_offset == 0)
            base = head - segments[i].p_vaddr;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        uintptr_t begin = base + segments[i].p_vaddr;
        if (segments[i].p_type == PT_GNU_EH_FRAME)
            image->index = begin;
        if (segments[i].p_type != PT_LOAD || pc - begin >= segments[i].p_memsz)
            continue;
        image->begin = begin;
        image->end = begin + segments[i].p_memsz;
        is_there = true;
    }
    return is_there;
}

static void keep(struct known_image *image)
{
    uint32_t place = __atomic_fetch_add(&known_count, 1, __ATOMIC_RELAXED) % KNOWN_IMAGES;
    struct known_image *kept = &known_images[place];
    uint64_t epoch = __atomic_load_n(&unwind_rules->epoch, __ATOMIC_RELAXED) + 1; /* 0 is "nothing" */
    __atomic_store_n(&kept->epoch, 0, __ATOMIC_RELEASE);
    kept->begin = image->begin;
    kept->end = image->end;
    kept->index = image->index;
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
    char magic[SELFMAG];
    struct known_image image;
    if (find_known(pc, index))
        return true;
    *index = 0;
    if (!os_mapping_of(pc, &mapping, NULL, 0))
        return false;
    uintptr_t head = mapping.inode ? mapping.head : mapping.begin; /* the vDSO is no file */
    bool is_elf = head && os_read_memory(head, magic, sizeof magic) && __builtin_memcmp(magic, ELFMAG, SELFMAG) == 0;
    if (!is_elf || !read_segments(head, pc, &image))
        return false;
    *index = image.index;
    keep(&image);
    return true;
}

bool image_index_of(uintptr_t pc, uintptr_t *index)
{
    struct found_object found;
    if (!find_object)
        return find_by_mappings(pc, index);
    bool is_found = find_object((void *)pc, &found) == 0;
    *index = is_found ? (uintptr_t)found.index : 0;
    return is_found;
}

void image_index_without_loader(void)
{
    find_object = NULL;
}

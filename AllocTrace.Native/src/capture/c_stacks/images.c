#include "capture/c_stacks/images.h"

#include <stdbool.h>
#include <string.h>

#include "platform/mapped_elf.h"
#include "platform/mappings.h"
#include "session/session.h"

enum { MOST_IMAGES = 4096 };

/* By the image's number in the session. */
static struct known {
    uintptr_t begin, end; /* 0: it is not known to be mapped any more */
    uint64_t file_offset;
} images[MOST_IMAGES];
static uint64_t images_epoch;
static uint32_t last; /* the one that was found last; below the session's count, or 0 */

uintptr_t images_address(uint32_t image, uint64_t offset)
{
    if (image >= MOST_IMAGES)
        return offset;
    uintptr_t begin = __atomic_load_n(&images[image].begin, __ATOMIC_RELAXED);
    return begin ? begin + (uintptr_t)(offset - images[image].file_offset) : 0;
}

static bool has(uint32_t image, uintptr_t address)
{
    return images[image].begin && address - images[image].begin < images[image].end - images[image].begin;
}

/* head: where the file's first byte is mapped. The string of the build id, 0 if there is none. */
static uint32_t build_id_at(uintptr_t head)
{
    uint32_t bytes;
    const uint8_t *id = head && mapped_elf_is_at(head) ? mapped_elf_build_id(head, &bytes) : NULL;
    return id ? session_string((const char *)id, bytes) : 0;
}

/* The image that a mapping is, if it was met before. */
static uint32_t find_told(const struct os_mapping *mapping, const char *path)
{
    uint32_t count = session.header->images;
    for (uint32_t i = 0; i < count; i++) {
        const struct alloctrace_image *told = session_image(i);
        uint32_t length;
        const char *text = session_string_text(told->path, &length);
        if (told->begin == mapping->begin && told->end == mapping->end && told->file_offset == mapping->offset
            && length == mapping->path_length && memcmp(text, path, length) == 0)
            return i;
    }
    return ALLOCTRACE_IMAGE_NONE;
}

static uint32_t tell(const struct os_mapping *mapping, const char *path)
{
    uint32_t number = session.header->images;
    bool is_there = number / PER_EXTENT(struct alloctrace_image) < session.extents_of[ALLOCTRACE_EXTENT_IMAGES];
    if (number == MOST_IMAGES || (!is_there && !session_grow(ALLOCTRACE_EXTENT_IMAGES)))
        return ALLOCTRACE_IMAGE_NONE;
    struct alloctrace_image image = {.begin = mapping->begin, .end = mapping->end, .file_offset = mapping->offset};
    image.path = session_string(path, mapping->path_length);
    image.build_id = build_id_at(mapping->inode ? mapping->head : mapping->begin);
    *session_image(number) = image;
    SHARED_STORE(session.header->images, number + 1);
    return number;
}

static void open_image(uint32_t number, const struct os_mapping *mapping)
{
    images[number].end = mapping->end;
    images[number].file_offset = mapping->offset;
    __atomic_store_n(&images[number].begin, mapping->begin, __ATOMIC_RELEASE);
}

uint32_t images_find(uintptr_t address, uint64_t *offset)
{
    enum { LONGEST_PATH = 512 };
    char path[LONGEST_PATH];
    struct os_mapping mapping;
    uint32_t number = last, count = session.header->images;
    *offset = address;
    if (!has(number, address))
        for (number = 0; number < count && !has(number, address); number++)
            ;
    if (number == count) {
        number = ALLOCTRACE_IMAGE_NONE;
        if (os_mapping_of(address, &mapping, path, sizeof path) && mapping.path_length) {
            number = find_told(&mapping, path);
            if (number == ALLOCTRACE_IMAGE_NONE)
                number = tell(&mapping, path);
        }
        if (number == ALLOCTRACE_IMAGE_NONE)
            return number;
        open_image(number, &mapping);
    }
    last = number;
    *offset = address - images[number].begin + images[number].file_offset;
    return number;
}

void images_close_all(uint64_t epoch)
{
    if (images_epoch == epoch)
        return;
    images_epoch = epoch;
    for (uint32_t i = 0; i < MOST_IMAGES; i++)
        __atomic_store_n(&images[i].begin, 0, __ATOMIC_RELEASE);
}

void images_reset(void)
{
    memset(images, 0, sizeof images);
    last = 0;
}

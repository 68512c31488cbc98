#define _GNU_SOURCE
#include "capture/c_stacks/images.h"

#include <link.h>
#include <stdbool.h>
#include <string.h>

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

/* ---- the build id ---- */

/* Notes: three 32-bit numbers (lengths of name and content, type), then both, each padded to 4 bytes (ELF, "Note Section"). */
static const uint8_t *find_build_id(const uint8_t *notes, size_t bytes, uint32_t *length)
{
    for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= bytes;) {
        const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)(notes + at);
        size_t name = at + sizeof *note, content = name + ((note->n_namesz + 3u) & ~3u), end = content + ((note->n_descsz + 3u) & ~3u);
        if (end > bytes)
            return NULL;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(notes + name, "GNU", 4) == 0) {
            *length = note->n_descsz;
            return notes + content;
        }
        at = end;
    }
    return NULL;
}

/* head: where the file's first byte is mapped. The string of the build id, 0 if there is none. */
static uint32_t build_id_at(uintptr_t head)
{
    ElfW(Ehdr) header;
    if (!head || !os_read_memory(head, &header, sizeof header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return 0;
    const ElfW(Phdr) *segments = (const ElfW(Phdr) *)(head + header.e_phoff);
    uintptr_t base = head;
    for (unsigned i = 0; i < header.e_phnum; i++)
        if (segments[i].p_type == PT_LOAD && segments[i].p_offset == 0)
            base = head - segments[i].p_vaddr;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        uint32_t length;
        const uint8_t *id = NULL;
        if (segments[i].p_type == PT_NOTE)
            id = find_build_id((const uint8_t *)(base + segments[i].p_vaddr), segments[i].p_memsz, &length);
        if (id)
            return session_string((const char *)id, length);
    }
    return 0;
}

/* ---- */

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

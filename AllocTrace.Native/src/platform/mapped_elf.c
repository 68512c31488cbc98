#define _GNU_SOURCE
#include "platform/mapped_elf.h"

#include <link.h>
#include <stddef.h>
#include <string.h>

#include "platform/os.h"

bool mapped_elf_is_at(uintptr_t head)
{
    char magic[SELFMAG];
    return os_read_memory(head, magic, sizeof magic) && memcmp(magic, ELFMAG, SELFMAG) == 0;
}

static const ElfW(Phdr) * segments_of(uintptr_t head, unsigned *count, uintptr_t *base)
{
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)head;
    const ElfW(Phdr) *segments = (const ElfW(Phdr) *)(head + header->e_phoff);
    *count = header->e_phnum;
    *base = head;
    for (unsigned i = 0; i < *count; i++)
        if (segments[i].p_type == PT_LOAD && segments[i].p_offset == 0)
            *base = head - segments[i].p_vaddr;
    return segments;
}

bool mapped_elf_segment(uintptr_t head, uintptr_t address, struct mapped_segment *segment)
{
    unsigned count;
    uintptr_t base;
    const ElfW(Phdr) *segments = segments_of(head, &count, &base);
    bool is_there = false;
    *segment = (struct mapped_segment){0};
    for (unsigned i = 0; i < count; i++) {
        uintptr_t begin = base + segments[i].p_vaddr;
        if (segments[i].p_type == PT_GNU_EH_FRAME)
            segment->unwind_index = begin;
        if (segments[i].p_type != PT_LOAD || address - begin >= segments[i].p_memsz)
            continue;
        segment->begin = begin;
        segment->end = begin + segments[i].p_memsz;
        is_there = true;
    }
    return is_there;
}

/* Notes: three 32-bit numbers (lengths of name and content, type), then both, each padded to 4 bytes (ELF, "Note Section"). */
static const uint8_t *find_build_id(const uint8_t *notes, size_t size, uint32_t *bytes)
{
    for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
        const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)(notes + at);
        size_t name = at + sizeof *note, content = name + ((note->n_namesz + 3u) & ~3u), end = content + ((note->n_descsz + 3u) & ~3u);
        if (end > size)
            return NULL;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(notes + name, "GNU", 4) == 0) {
            *bytes = note->n_descsz;
            return notes + content;
        }
        at = end;
    }
    return NULL;
}

const uint8_t *mapped_elf_build_id(uintptr_t head, uint32_t *bytes)
{
    unsigned count;
    uintptr_t base;
    const ElfW(Phdr) *segments = segments_of(head, &count, &base);
    const uint8_t *id = NULL;
    for (unsigned i = 0; i < count && !id; i++)
        if (segments[i].p_type == PT_NOTE)
            id = find_build_id((const uint8_t *)(base + segments[i].p_vaddr), segments[i].p_memsz, bytes);
    return id;
}

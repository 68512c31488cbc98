/* mapped_elf.h: an ELF image in memory, found by where the first byte of its file is mapped (its head), without the loader's help. */
#ifndef ALLOCTRACE_MAPPED_ELF_H
#define ALLOCTRACE_MAPPED_ELF_H

#include <stdbool.h>
#include <stdint.h>

/* Returns whether an ELF header is mapped there. head: any address but 0; it need not be mapped. */
bool mapped_elf_is_at(uintptr_t head);

struct mapped_segment {
    uintptr_t begin, end;
    uintptr_t unwind_index; /* the image's .eh_frame_hdr; 0: it has none */
};

/* Finds the segment that has an address. Returns false if none of the image has. */
bool mapped_elf_segment(uintptr_t head, uintptr_t address, struct mapped_segment *segment);

/* Returns the image's build id, of *bytes bytes, or NULL if it has none. */
const uint8_t *mapped_elf_build_id(uintptr_t head, uint32_t *bytes);

#endif

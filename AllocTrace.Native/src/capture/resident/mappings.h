/* mappings.h: reads this process's mappings, /proc/self/smaps and /proc/self/pagemap of proc(5). */
#ifndef ALLOCTRACE_MAPPINGS_H
#define ALLOCTRACE_MAPPINGS_H

#include <stddef.h>

#include "capture/resident/words.h"

enum {
    MAPPINGS_TEXT = 1 << 14,    /* bytes of smaps read at a time; a mapping's entry is shorter */
    MAPPINGS_ENTRIES = 1 << 11, /* entries of pagemap read at a time */
    MAPPINGS_HEAPS = 512,
    MAPPINGS_NAME = 1024,
};

/* A range that may be a heap of glibc. */
struct heap_range {
    uintptr_t start, end; /* end: of the mapping */
    bool is_main;
};

struct mapping {
    uint64_t start, end, resident, huge;
    bool is_writable, is_private, is_guarded;
    char name[MAPPINGS_NAME];
};

/* Room, too much for a program's stack. */
struct mappings {
    struct words *words;
    int pagemap; /* descriptor, or -1 */
    uint32_t missing;
    uint64_t guard_end; /* where the last mapping that cannot be read or written ended */
    bool has_any;
    struct mapping present;
    size_t heap_count;
    struct heap_range heaps[MAPPINGS_HEAPS];
    char text[MAPPINGS_TEXT];
    uint64_t entries[MAPPINGS_ENTRIES];
};

/* Writes the items MAPPING and PAGES, and notes the ranges that may be heaps. */
void mappings_record(struct mappings *mappings, struct words *words);

#endif

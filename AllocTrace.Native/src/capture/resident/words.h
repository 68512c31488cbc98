/* words.h: appends to the session's array MEMORY. One thread at a time. */
#ifndef ALLOCTRACE_WORDS_H
#define ALLOCTRACE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alloctrace/wire.h"

struct words {
    uint64_t next, end; /* numbers of words; end: no more than this */
    uint64_t item;      /* the header of the item that is being written */
    bool is_full;       /* something was left out */
};

void words_add(struct words *words, uint64_t word);

/* Between the two, words belong to an item. */
void words_begin(struct words *words, enum alloctrace_memory_item kind, uint32_t flags);
void words_end(struct words *words);

/* Changes a word that was added. No-op if there was no room for it. */
void words_set(struct words *words, uint64_t number, uint64_t word);

/* Appends text, padded with NUL to whole words; at least one NUL. */
void words_add_text(struct words *words, const char *text, size_t length);

static inline uint64_t memory_run(uint64_t page, uint64_t pages, bool maybe)
{
    return page << ALLOCTRACE_MEMORY_RUN_SHIFT | (maybe ? ALLOCTRACE_MEMORY_RUN_MAYBE : 0) | pages;
}

#endif

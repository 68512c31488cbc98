/* code_cache.h: what the walk needs of a code object, found by its address.
 *
 * A code object's memory is used again after it dies. The free hook sees the address of each block that it frees, code objects' too
 * (checked on every version, free-threaded builds included), so an entry is dropped before the memory can be anything else. Code that lives
 * in libpython itself (frozen modules, 3.11 and later) is never freed. Where frees were missed, another line table's address in the object
 * tells a new code from an old one.
 */
#ifndef ALLOCTRACE_CODE_CACHE_H
#define ALLOCTRACE_CODE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "alloctrace/wire.h"
#include "capture/open_table.h"
#include "platform/compiler.h"
#include "python/runtime.h"

struct code_info {
    uintptr_t bytecode; /* of the main copy, 3.11 and later */
    uint32_t bytecode_bytes;
    uint32_t number; /* in CODES */
    int32_t first_line;
    int32_t first_traceable; /* bytes; positions below it are of frames that have not begun */
    const uint16_t *narrow;  /* lines by code unit (intern.h), or NULL: ask code_line_slow */
    const int32_t *wide;     /* the same of a code of very many lines, or NULL */
    uint32_t *expressions;   /* these three as in intern.h; written once, is_prepared last */
    const struct line_mark *marks;
    bool is_prepared;
    uintptr_t address;
    uintptr_t line_table; /* the object's, to tell it from a later one */
    struct code_info *next_unused;
};

/* No epoch of the cache: a thread that keeps it finds another one at each walk. */
#define CODE_EPOCH_DEEP UINT32_MAX

extern INTERNAL struct code_cache {
    struct open_table live; /* slots: the address, and its struct code_info */
    uint32_t epoch;         /* grows whenever an entry is dropped: what was remembered about addresses is void */
} code_cache;

/* A filter for the free hook, which asks about every block. First one byte for each 16 KiB (a pool of pymalloc), by 16 bits of its number:
 * the blocks that a program frees are in few pools, so these bytes stay in the first-level cache. Then, near code, one bit for each value
 * of 16 address bits. Neither is ever reset. */
extern INTERNAL struct code_filter {
    uint8_t pool[1 << 16]; /* that of NULL is always set: the hook need not compare */
    uint64_t block[1024];
} code_filter;

static inline bool code_filter_has(const uint64_t *bits, uintptr_t number)
{
    return __atomic_load_n(&bits[number >> 6 & 1023], __ATOMIC_RELAXED) >> (number & 63) & 1;
}

/* Returns false only if there is certainly no code object near a block. */
static inline bool code_may_be_near(const void *block)
{
    return LOAD_ONCE(code_filter.pool[(uintptr_t)block >> 14 & 0xFFFF]);
}

static inline bool code_may_be_cached(const void *block)
{
    return code_may_be_near(block) && code_filter_has(code_filter.block, (uintptr_t)block >> 4);
}

/* The entry of a code object that a frame of this thread runs, made if need be (then it takes the lock). NULL: no memory or no room. */
const struct code_info *code_cache_get(const struct python_runtime *python, uintptr_t code);

/* The line of an instruction within the bytecode (offset in bytes) when info->narrow is NULL; 0: none. */
uint32_t code_line_slow(const struct layout *layout, const struct code_info *info, uint32_t offset);

/* Finds an expression like code_expression, but follows the table from the last mark, and stores the result if there is room. Takes the
 * lock once for a code. */
uint32_t code_expression_slow(const struct layout *layout, const struct code_info *info, intptr_t offset);

/* The free hook's: the block is about to be freed. */
void code_cache_drop(const void *block);

/* Drops all entries, because a runtime was unloaded: other data may be at the addresses of its code. */
void code_cache_drop_all(void);

/* Resets the cache in a process in which no other thread reads it. */
void code_cache_reset(void);

/* The line at an offset in bytes; negative means before the first instruction. 0: none. */
static inline uint32_t code_line(const struct layout *layout, const struct code_info *info, intptr_t offset)
{
    if (offset < 0)
        return (uint32_t)info->first_line;
    if ((uint64_t)offset >= info->bytecode_bytes)
        return 0;
    if (!info->narrow)
        return code_line_slow(layout, info, (uint32_t)offset);
    uint32_t biased = info->narrow[offset >> 1];
    return biased ? (uint32_t)(info->first_line + (int32_t)biased - 0x2000) : 0;
}

/* Stands for ALLOCTRACE_NO_EXPRESSION among the expressions of a code, where 0 means that the expression was not looked up yet. */
#define CODE_NO_EXPRESSION UINT32_MAX

/* Returns the expression of an instruction, packed as below ALLOCTRACE_CODE_EXPRESSION in wire.h. offset: in bytes. */
static inline uint32_t code_expression(const struct layout *layout, const struct code_info *info, intptr_t offset)
{
    const uint32_t *expressions = __atomic_load_n(&info->expressions, __ATOMIC_ACQUIRE);
    if (__builtin_expect(!expressions || (uintptr_t)offset >= info->bytecode_bytes, 0))
        return code_expression_slow(layout, info, offset);
    uint32_t expression = __atomic_load_n(&expressions[offset >> 1], __ATOMIC_RELAXED);
    if (__builtin_expect(expression == 0, 0))
        return code_expression_slow(layout, info, offset);
    return expression == CODE_NO_EXPRESSION ? ALLOCTRACE_NO_EXPRESSION : expression;
}

#endif

/* sampling.h: which allocations are recorded when not all of them are (option sample).
 *
 * Every byte that is allocated is chosen with the same small probability, and the allocation that it lies in is recorded: a block of `size`
 * bytes with probability 1 - exp(-size / interval). The distance between two chosen bytes is exponential, so each thread counts down to
 * its next one, and looks at nothing else. What the recorded blocks stand for is worked out by the collector (docs/sampling.md).
 *
 * Frees are recorded for blocks that were: the free hook asks a filter of one byte for each hash of an address (64 KiB), and when that may
 * be so, a table under the lock.
 */
#ifndef ALLOCTRACE_SAMPLING_H
#define ALLOCTRACE_SAMPLING_H

#include "capture/thread.h"

enum { SAMPLING_FILTER_BITS = 16 };

/* Counts the recorded blocks with that hash, to 255, where it stays. */
extern INTERNAL uint8_t sampling_filter[1 << SAMPLING_FILTER_BITS];

/* For the recording that begins: forgets the blocks of an earlier one. bytes: the mean distance from one recorded allocation to the next;
 * 0: every allocation is recorded. */
void sampling_begin(uint64_t bytes);

/* A thread is ready: where its first chosen byte is. */
void sampling_begin_thread(struct thread_capture *thread);

/* Returns true if only some allocations are recorded: then there is a next byte. */
static inline bool sampling_is_on(const struct thread_capture *thread)
{
    return __builtin_expect(thread->sampler.left != 0, 0);
}

/* Returns true if sampling leaves out the allocation that the thread has just made. */
static inline bool sampling_skips(struct thread_capture *thread, size_t size)
{
    size_t counted = size ? size : 1; /* as the allocators do */
    if (counted >= thread->sampler.left)
        return false;
    thread->sampler.left -= counted;
    thread->sampler.allocations++;
    return true;
}

/* The allocation is chosen: remembers the block, draws the distance to the next, and records the trace context that the block's own record
 * has to follow. False: no memory; leave it out. */
bool sampling_take(struct thread_capture *thread, uintptr_t key);

/* Distinguishes a block of a domain from others at the same address: raw, mem, obj and malloc share addresses. */
static inline uintptr_t sampling_key(unsigned domain, const void *block)
{
    bool is_heap = domain < ALLOCTRACE_DOMAIN_TRACKED || domain == ALLOCTRACE_DOMAIN_MALLOC;
    return (uintptr_t)block | (is_heap ? 0 : (uintptr_t)domain << ALLOCTRACE_OPERAND_BITS);
}

/* Neighbours in memory are neighbours in the filter: a cache line of it is good for a kilobyte that the program frees. */
static inline uint32_t sampling_hash(uintptr_t key)
{
    return key >> 4 & ((1 << SAMPLING_FILTER_BITS) - 1);
}

/* A block about to be freed is forgotten. False: it was not recorded. */
bool sampling_forget(uintptr_t key, struct thread_capture *thread);

/* Returns true if a block was recorded. */
bool sampling_has(uintptr_t key);

/* Puts a block back whose reallocation failed. */
void sampling_put_back(uintptr_t key);

/* Returns false only if a block was certainly not recorded. */
static inline bool sampling_may_have(uintptr_t key)
{
    return __atomic_load_n(&sampling_filter[sampling_hash(key)], __ATOMIC_RELAXED);
}

/* Returns true if the block was recorded, so that its end must be, too. Forgets it, and writes an AGE record if the thread made it. */
static inline bool sampling_ends(struct thread_capture *thread, unsigned domain, const void *block)
{
    if (!sampling_is_on(thread))
        return true;
    uintptr_t key = sampling_key(domain, block);
    return sampling_may_have(key) && sampling_forget(key, thread);
}

/* Around a fork, so that the child finds the table in order. */
void sampling_before_fork(void);
void sampling_after_fork(void);
void sampling_after_fork_in_child(void);

/* Natural logarithm of 2^64 / random, in units of 2^-32: an exponential variable with mean 1. Integers only: the host's floating-point
 * state is its own. random is not 0. */
uint64_t sampling_exponential(uint64_t random);

#endif

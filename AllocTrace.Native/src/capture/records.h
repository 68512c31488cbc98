/* records.h: writing into the calling thread's slab.
 *
 * A record becomes part of the session when the thread's cursor, in shared memory, moves beyond it: one store. The collector finds
 * everything before the cursor however the process ends.
 *
 * Order among threads (docs/ordering.md): a thread that is not the last writer takes a ticket and begins a batch. The check must come after
 * the real allocation and before the real free; then whatever a record depends on has the same or an earlier ticket and is published.
 */
#ifndef ALLOCTRACE_RECORDS_H
#define ALLOCTRACE_RECORDS_H

#include "capture/thread.h"
#include "platform/assert.h"
#include "platform/compiler.h"

/* The thread's first slab. False: there is none. */
bool records_begin_stream(struct thread_capture *thread);

/* Become the last writer, in a new batch. */
void records_begin_batch(struct thread_capture *thread);

/* The next slab. False: there is none (and the thread counts what it loses). */
bool records_next_slab(struct thread_capture *thread);

static inline uint64_t record_word(unsigned kind, unsigned domain, uint64_t operand)
{
    return (uint64_t)kind << 60 | (uint64_t)domain << ALLOCTRACE_OPERAND_BITS | (operand & ALLOCTRACE_OPERAND_MASK);
}

/* Room for one record, in the right batch; NULL: lost. */
ALWAYS_INLINE uint64_t *record_room(struct thread_capture *thread)
{
    if (__builtin_expect(SHARED_LOAD_RELAXED(session.header->order) != thread->order, 0))
        records_begin_batch(thread);
    if (__builtin_expect(thread->at > thread->end, 0) && !records_next_slab(thread))
        return NULL;
    uint64_t *room = (uint64_t *)thread->at;
    if (!room)
        __builtin_unreachable();
    return room;
}

static inline void record_commit(struct thread_capture *thread, uint64_t *end)
{
    alloctrace_assert((uint8_t *)end > thread->at && (uint8_t *)end <= thread->end + ALLOCTRACE_MAX_RECORD_BYTES);
    thread->at = (uint8_t *)end;
    SHARED_STORE(thread->shared->cursor, (uint64_t)(uintptr_t)end + thread->position_bias);
}

/* kind: MALLOC, CALLOC or REALLOC. */
ALWAYS_INLINE void record_block(struct thread_capture *thread, unsigned kind, unsigned domain, const void *block, size_t size,
                                uint32_t stack)
{
    uint64_t *record = record_room(thread);
    if (!record)
        return;
    if (__builtin_expect(size <= UINT32_MAX, 1)) {
        record[0] = record_word(kind, domain, (uintptr_t)block);
        record[1] = (uint64_t)stack << 32 | size;
        record_commit(thread, record + 2);
    } else {
        record[0] = record_word(kind | ALLOCTRACE_RECORD_WIDE, domain, (uintptr_t)block);
        record[1] = (uint64_t)stack << 32;
        record[2] = size;
        record_commit(thread, record + 3);
    }
}

/* kind: FREE, REALLOC_BEGIN or REALLOC_FAILED. */
ALWAYS_INLINE void record_address(struct thread_capture *thread, unsigned kind, unsigned domain, const void *block)
{
    uint64_t *record = record_room(thread);
    if (!record)
        return;
    record[0] = record_word(kind, domain, (uintptr_t)block);
    record_commit(thread, record + 1);
}

/* Told before the end of a block that the thread made: how many allocations it made since. For sampling: the collector cannot count them.
 */
static inline void record_age(struct thread_capture *thread, uint64_t allocations)
{
    uint64_t *record = record_room(thread);
    if (!record)
        return;
    record[0] = record_word(ALLOCTRACE_RECORD_AGE, 0, allocations);
    record_commit(thread, record + 1);
}

/* A moment in the stream. */
void record_mark(struct thread_capture *thread, enum alloctrace_mark mark, uint64_t argument);

#endif

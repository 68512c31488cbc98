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

/* Becomes the last writer, in a new batch, and serves the collector's requests that any call can serve. */
void records_begin_batch(struct thread_capture *thread);

/* Begins a batch like records_begin_batch, at a call where the process may be copied (heap_copy.h). */
void records_begin_batch_or_copy(struct thread_capture *thread);

/* Takes the next slab. Returns false if there is none; the thread then counts its losses. */
bool records_next_slab(struct thread_capture *thread);

static inline uint64_t record_word(unsigned kind, unsigned domain, uint64_t operand)
{
    return (uint64_t)kind << 60 | (uint64_t)domain << ALLOCTRACE_OPERAND_BITS | (operand & ALLOCTRACE_OPERAND_MASK);
}

/* Room for one record, in the right batch; NULL: lost. may_copy: a constant, so that it costs nothing. */
ALWAYS_INLINE uint64_t *record_room_at(struct thread_capture *thread, bool may_copy)
{
    if (__builtin_expect(SHARED_LOAD_RELAXED(session.header->order) != thread->order, 0)) {
        if (may_copy)
            records_begin_batch_or_copy(thread);
        else
            records_begin_batch(thread);
    }
    if (__builtin_expect(thread->at > thread->end, 0) && !records_next_slab(thread))
        return NULL;
    uint64_t *room = (uint64_t *)thread->at;
    if (!room)
        __builtin_unreachable();
    return room;
}

ALWAYS_INLINE uint64_t *record_room(struct thread_capture *thread)
{
    return record_room_at(thread, false);
}

/* Returns the room for a record if nothing has to be done for it, or NULL: then call record_room. */
ALWAYS_INLINE uint64_t *record_room_ready(struct thread_capture *thread)
{
    bool is_ready =
        __builtin_expect(SHARED_LOAD_RELAXED(session.header->order) == thread->order, 1) && __builtin_expect(thread->at <= thread->end, 1);
    if (!is_ready)
        return NULL;
    uint64_t *room = (uint64_t *)thread->at;
    if (!room)
        __builtin_unreachable();
    return room;
}

/* Writes a word like record_word, in two stores: the second one overwrites the operand's high byte. */
ALWAYS_INLINE void record_put(uint64_t *record, unsigned kind, unsigned domain, const void *block)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    _Static_assert(ALLOCTRACE_OPERAND_BITS == 56, "kind and domain are the high byte");
    record[0] = (uintptr_t)block;
    ((uint8_t *)record)[7] = (uint8_t)(kind << 4 | domain);
#else
    record[0] = record_word(kind, domain, (uintptr_t)block);
#endif
}

/* Advances the stream like record_commit. */
ALWAYS_INLINE void record_advance(struct thread_capture *thread, unsigned words)
{
    thread->at += words * sizeof(uint64_t);
    SHARED_ADVANCE(thread->shared->cursor, words * sizeof(uint64_t));
}

static inline void record_commit(struct thread_capture *thread, uint64_t *end)
{
    alloctrace_assert((uint8_t *)end > thread->at && (uint8_t *)end <= thread->end + ALLOCTRACE_MAX_RECORD_BYTES);
    thread->at = (uint8_t *)end;
    SHARED_STORE(thread->shared->cursor, (uint64_t)(uintptr_t)end + thread->position_bias);
}

/* kind: MALLOC, CALLOC or REALLOC. The process may be copied at a new object: not at the end of a realloc, when the block's owner still has
 * its old address. */
ALWAYS_INLINE void record_block(struct thread_capture *thread, unsigned kind, unsigned domain, const void *block, size_t size,
                                uint32_t stack)
{
    uint64_t *record = record_room_at(thread, domain == ALLOCTRACE_DOMAIN_OBJ && kind != ALLOCTRACE_RECORD_REALLOC);
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

/* Writes the number of allocations since that of a block, before the thread ends the block: for sampling, where the collector
 * cannot count them. */
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

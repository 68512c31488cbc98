#include "capture/slabs.h"

#include "capture/recording.h"
#include "session/collector.h"
#include "session/session.h"

enum {
    SLABS_PER_EXTENT = ALLOCTRACE_EXTENT_BYTES / ALLOCTRACE_SLAB_BYTES,
    SLABS_WITH_COLLECTOR = 128, /* 8 MiB, and one for each thread: while somebody drains, more would only be colder */
    WAIT_STEP_NS = 200000,
    STEPS_BETWEEN_LIVENESS = 2500, /* half a second */
};

/* The time to wait for a collector that shows no sign of life or releases nothing. */
static const uint64_t timeout_ns = UINT64_C(10000000000);

/* The number of released slabs at the last wait that was in vain: no further wait until it changes. */
static uint64_t gave_up_at = UINT64_MAX;

static uint32_t pop(void)
{
    struct alloctrace_session *header = session.header;
    uint64_t head = SHARED_LOAD(header->free_slabs);
    for (;;) {
        uint32_t top = (uint32_t)head;
        if (top == 0 || top > SHARED_LOAD(header->slabs))
            return NO_SLAB;
        uint64_t next = ((head >> 32) + 1) << 32 | SHARED_LOAD_RELAXED(session_slab(top - 1)->next_free);
        if (__atomic_compare_exchange_n(&header->free_slabs, &head, next, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return top - 1;
    }
}

static void push(uint32_t slab)
{
    struct alloctrace_session *header = session.header;
    uint64_t head = SHARED_LOAD(header->free_slabs), next;
    do {
        SHARED_STORE(session_slab(slab)->next_free, (uint32_t)head);
        next = ((head >> 32) + 1) << 32 | (slab + 1);
    } while (!__atomic_compare_exchange_n(&header->free_slabs, &head, next, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
}

/* The first extent of slabs is there from the start; header->slabs counts those that were handed out or put on the free stack. */
static uint32_t make(uint32_t most)
{
    struct alloctrace_session *header = session.header;
    uint32_t made = NO_SLAB;
    recording_lock();
    uint32_t first = header->slabs;
    if (first < most && (first / SLABS_PER_EXTENT < session.extents_of[ALLOCTRACE_EXTENT_SLABS] || session_grow(ALLOCTRACE_EXTENT_SLABS))) {
        SHARED_STORE(header->slabs, first + SLABS_PER_EXTENT);
        for (uint32_t i = SLABS_PER_EXTENT - 1; i > 0; i--)
            push(first + i);
        made = first;
    }
    recording_unlock();
    return made;
}

static bool is_drained(void)
{
    return SHARED_LOAD_RELAXED(session.header->collector_pid) != 0;
}

static bool is_stopped(void)
{
    return __atomic_load_n(&recording.off, __ATOMIC_RELAXED);
}

/* Waits for a free slab. Any slab that the collector releases, to any thread, resets the timeout, so a busy collector is waited for. One
 * that is dead, or has none to release because every slab is in use, times out. */
static uint32_t wait_for_slab(void)
{
    struct alloctrace_session *header = session.header;
    uint64_t released = 0, since = os_monotonic_ns();
    for (uint32_t step = 1; is_drained() && !is_stopped(); step++) {
        uint32_t slab = pop();
        if (slab != NO_SLAB)
            return slab;
        uint64_t now = os_monotonic_ns(), released_by_now = SHARED_LOAD_RELAXED(header->released_slabs);
        if (released_by_now != released) {
            released = released_by_now;
            since = now;
        }
        if (now - since > timeout_ns)
            break;
        if (step % STEPS_BETWEEN_LIVENESS == 0)
            collector_replace(&recording.options);
        os_sleep_ns(WAIT_STEP_NS);
    }
    __atomic_store_n(&gave_up_at, SHARED_LOAD_RELAXED(header->released_slabs), __ATOMIC_RELAXED);
    return NO_SLAB;
}

uint32_t slabs_take(void)
{
    struct alloctrace_session *header = session.header;
    uint32_t slab = pop();
    if (slab == NO_SLAB && is_drained()) {
        slab = make(SLABS_WITH_COLLECTOR + SHARED_LOAD_RELAXED(header->threads));
        bool hopeless = SHARED_LOAD_RELAXED(header->released_slabs) == __atomic_load_n(&gave_up_at, __ATOMIC_RELAXED);
        if (slab == NO_SLAB && header->on_full == ALLOCTRACE_ON_FULL_WAIT && !hopeless)
            slab = wait_for_slab();
        if (slab == NO_SLAB && header->on_full == ALLOCTRACE_ON_FULL_DROP)
            return NO_SLAB;
    }
    return slab != NO_SLAB ? slab : make(UINT32_MAX); /* as far as the limit goes */
}

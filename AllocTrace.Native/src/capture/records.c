#include "capture/records.h"

#include "capture/heap_copy.h"
#include "capture/slabs.h"

static struct alloctrace_slab *slab_of(const struct thread_capture *thread)
{
    return session_slab(thread->slab);
}

static void begin_slab(struct thread_capture *thread, uint32_t slab, uint32_t sequence)
{
    struct alloctrace_slab *header = session_slab(slab);
    header->thread = thread->slot;
    header->sequence = sequence;
    header->next = header->used = 0;
    header->ticket = thread->order >> ALLOCTRACE_SLOT_BITS;
    header->started_ns = os_monotonic_ns();
    thread->slab = slab;
    thread->at = (uint8_t *)(header + 1);
    thread->end = (uint8_t *)header + ALLOCTRACE_SLAB_BYTES - ALLOCTRACE_MAX_RECORD_BYTES;
    thread->position_bias = (uint64_t)sequence * ALLOCTRACE_SLAB_BYTES - (uint64_t)(uintptr_t)header;
}

bool records_begin_stream(struct thread_capture *thread)
{
    uint32_t slab = slabs_take();
    if (slab == NO_SLAB)
        return false;
    begin_slab(thread, slab, 0);
    thread->left.used = 0;
    thread->shared->first_slab = slab;
    thread->shared->cursor = sizeof(struct alloctrace_slab);
    return true;
}

static bool continue_stream(struct thread_capture *thread)
{
    heap_copy_reap_earlier();
    uint32_t slab = slabs_take();
    if (slab == NO_SLAB)
        return false;
    struct alloctrace_slab *full = slab_of(thread);
    full->used = (uint32_t)(thread->at - (uint8_t *)full);
    full->next = slab;
    thread->left.slab = thread->slab;
    thread->left.used = full->used;
    thread->left.started_ns = full->started_ns;
    begin_slab(thread, slab, full->sequence + 1);
    SHARED_STORE(thread->shared->cursor, (uint64_t)(uintptr_t)thread->at + thread->position_bias);
    return true;
}

static void tell_losses(struct thread_capture *thread)
{
    uint64_t *record = (uint64_t *)thread->at;
    record[0] = record_word(ALLOCTRACE_RECORD_LOST, 0, thread->lost_events);
    record[1] = thread->lost_first_ns;
    record[2] = os_monotonic_ns();
    record_commit(thread, record + 3);
    thread->lost_events = 0;
}

bool records_next_slab(struct thread_capture *thread)
{
    if (!continue_stream(thread)) {
        if (thread->lost_events++ == 0)
            thread->lost_first_ns = os_monotonic_ns();
        thread->shared->lost_events++;
        return false;
    }
    if (thread->lost_events)
        tell_losses(thread);
    return true;
}

/* Takes the next ticket, unless this thread is the last writer: then only a request kept it from finding itself. */
static bool take_ticket(struct thread_capture *thread)
{
    uint64_t *order = &session.header->order;
    uint64_t last = SHARED_LOAD(*order), mine;
    do {
        if ((last & ~ALLOCTRACE_ORDER_REQUEST) == thread->order)
            return false;
        mine = ((last >> ALLOCTRACE_SLOT_BITS) + 1) << ALLOCTRACE_SLOT_BITS | thread->slot; /* a request stays */
    } while (!__atomic_compare_exchange_n(order, &last, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    thread->order = mine & ~ALLOCTRACE_ORDER_REQUEST;
    return true;
}

static bool begin_batch(struct thread_capture *thread)
{
    if (thread->at > thread->end && !continue_stream(thread))
        return false; /* still not the last writer: asked again by the next event */
    if (!take_ticket(thread))
        return true;
    uint64_t *record = (uint64_t *)thread->at;
    record[0] = record_word(ALLOCTRACE_RECORD_BATCH, 0, thread->order >> ALLOCTRACE_SLOT_BITS);
    record[1] = os_monotonic_ns();
    record_commit(thread, record + 2);
    return true;
}

static bool is_request(void)
{
    return SHARED_LOAD_RELAXED(session.header->order) & ALLOCTRACE_ORDER_REQUEST;
}

void records_begin_batch(struct thread_capture *thread)
{
    if (begin_batch(thread) && is_request())
        heap_copy_tidy();
}

void records_begin_batch_or_copy(struct thread_capture *thread)
{
    if (begin_batch(thread) && is_request())
        heap_copy_make_if_wanted(thread);
}

void record_mark(struct thread_capture *thread, enum alloctrace_mark mark, uint64_t argument)
{
    uint64_t *record = record_room(thread);
    if (!record)
        return;
    record[0] = record_word(ALLOCTRACE_RECORD_MARK, mark, argument);
    record[1] = os_monotonic_ns();
    record_commit(thread, record + 2);
}

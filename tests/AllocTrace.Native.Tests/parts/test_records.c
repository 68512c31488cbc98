#include <pthread.h>
#include <string.h>

#include "capture/recording.h"
#include "capture/records.h"
#include "capture/slabs.h"
#include "check.h"

void slabs_given_back_are_taken_first(void)
{
    open_test_session(64u << 20);
    uint32_t first = slabs_take(), second = slabs_take();
    CHECK(first != NO_SLAB && second != NO_SLAB && first != second);
    struct alloctrace_session *header = session.header;
    session_slab(first)->next_free = (uint32_t)header->free_slabs; /* as the collector does it */
    header->free_slabs = ((header->free_slabs >> 32) + 1) << 32 | (first + 1);
    CHECK(slabs_take() == first);
}

void slabs_end_at_the_limit(void)
{
    open_test_session(4u << 20);
    uint32_t taken = 0;
    while (slabs_take() != NO_SLAB)
        taken++;
    CHECK(taken == session.header->slabs);
    CHECK(taken == 4 * (((4u << 20) - ALLOCTRACE_HEADER_BYTES) / ALLOCTRACE_EXTENT_BYTES - 4)); /* four extents hold other things */
}

static void record_one(void *block)
{
    struct thread_capture *thread = thread_enter();
    CHECK(thread);
    record_block(thread, ALLOCTRACE_RECORD_MALLOC, ALLOCTRACE_DOMAIN_OBJ, block, 10, 0);
    thread_leave(thread);
}

static pthread_barrier_t turn;

static void *take_turns(void *unused)
{
    for (uintptr_t i = 1; i <= 10; i++) {
        pthread_barrier_wait(&turn);
        record_one((void *)(i * 32));
        pthread_barrier_wait(&turn);
    }
    return unused;
}

void records_of_two_threads_have_rising_tickets(void)
{
    open_test_session(8u << 20);
    pthread_t other;
    pthread_barrier_init(&turn, NULL, 2);
    CHECK(pthread_create(&other, NULL, take_turns, NULL) == 0);
    for (uintptr_t i = 1; i <= 10; i++) {
        record_one((void *)(i * 32 + 16));
        uint64_t before = session.header->order >> ALLOCTRACE_SLOT_BITS;
        pthread_barrier_wait(&turn);
        pthread_barrier_wait(&turn);
        CHECK(session.header->order >> ALLOCTRACE_SLOT_BITS == before + 1);
    }
    pthread_join(other, NULL);
    CHECK(session.header->order >> ALLOCTRACE_SLOT_BITS == 20);
    CHECK(session.header->threads == 2);
    CHECK(session_thread(1)->state == ALLOCTRACE_THREAD_ENDED);
    const uint64_t *records = (const uint64_t *)(session_slab(session_thread(1)->first_slab) + 1);
    for (uint64_t i = 1; i <= 10; i++, records += 4) {
        CHECK(records[0] == ((uint64_t)ALLOCTRACE_RECORD_BATCH << 60 | 2 * i));
        CHECK(records[2] == ((uint64_t)ALLOCTRACE_RECORD_MALLOC << 60 | (uint64_t)ALLOCTRACE_DOMAIN_OBJ << 56 | i * 32)
              && records[3] == 10);
    }
    CHECK(session_thread(1)->cursor == sizeof(struct alloctrace_slab) + 10 * 32);
}

void records_that_find_no_slab_are_counted(void)
{
    open_test_session(4u << 20);
    const uint64_t slabs = 4 * (((4u << 20) - ALLOCTRACE_HEADER_BYTES) / ALLOCTRACE_EXTENT_BYTES - 4);
    const uint64_t records_per_slab = (ALLOCTRACE_SLAB_BYTES - sizeof(struct alloctrace_slab) - ALLOCTRACE_MAX_RECORD_BYTES) / 16 + 1;
    const uint64_t events = slabs * records_per_slab + 1000;
    for (uint64_t i = 1; i <= events; i++)
        record_one((void *)(i * 16));
    /* One record's room in the first slab went to the batch. */
    CHECK(session_thread(0)->lost_events == 1001);
}

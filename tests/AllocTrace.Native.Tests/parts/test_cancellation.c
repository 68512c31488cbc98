/* Threads that are cancelled within the library (pthread_cancel). */
#include <pthread.h>
#include <unistd.h>

#include "capture/recording.h"
#include "capture/records.h"
#include "check.h"

static bool came_out;

/* More than all slabs that there are while somebody drains. */
static void *record_until_there_is_no_room(void *unused)
{
    enum { EVENTS = 1000000 };
    for (uintptr_t i = 1; i <= EVENTS; i++) {
        struct thread_capture *thread = thread_enter();
        CHECK(thread);
        record_block(thread, ALLOCTRACE_RECORD_MALLOC, ALLOCTRACE_DOMAIN_RAW, (void *)(i * 16), 1, ALLOCTRACE_NODE_NONE);
        thread_leave(thread);
    }
    __atomic_store_n(&came_out, true, __ATOMIC_RELEASE);
    pthread_testcancel();
    return unused;
}

void a_thread_that_waits_for_room_is_not_cancelled(void)
{
    open_test_session(64u << 20);
    session.header->collector_pid = (uint32_t)getpid(); /* lives, and drains nothing */
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, record_until_there_is_no_room, NULL) == 0);
    uint32_t slabs = 0;
    while (slabs == 0 || slabs != SHARED_LOAD(session.header->slabs)) {
        slabs = SHARED_LOAD(session.header->slabs);
        usleep(50000);
    }
    CHECK(pthread_cancel(thread) == 0);
    usleep(50000);
    CHECK(!__atomic_load_n(&came_out, __ATOMIC_ACQUIRE));
    SHARED_STORE(session.header->collector_pid, 0u); /* nobody drains: there is room up to the limit */
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(came_out && result == PTHREAD_CANCELED);
}

static void *lock_and_unlock(void *unused)
{
    (void)unused;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (;;) {
        recording_lock();
        SHARED_ADD(session.header->lost_stacks, 1);
        recording_unlock();
    }
    return NULL;
}

void a_thread_that_is_cancelled_holds_no_lock(void)
{
    enum { THREADS = 500 };
    open_test_session(8u << 20);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, lock_and_unlock, NULL) == 0);
        usleep(i % 97);
        CHECK(pthread_cancel(thread) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(lock_try(&recording.fork_local->lock));
        recording_unlock();
    }
}

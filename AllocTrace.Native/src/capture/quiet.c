/* Determines when memory of a stopped recording may be unmapped.
 *
 * A hook compares its thread's state with the recording's number and then stores that it is inside (thread_enter). Between the two a thread
 * looks as if it were outside, and it may have lost its processor there. It is past that when it has run since, or waits in a system call.
 */
#include "capture/recording.h"
#include "capture/thread.h"

struct threads {
    uint32_t count, room;
    uint32_t *os_id;
};

static uint32_t count_threads(void)
{
    uint32_t count = 0;
    for (const struct thread_capture *thread = recording.fork_local->threads; thread; thread = thread->next)
        count++;
    return count;
}

static size_t bytes_of(const struct threads *threads)
{
    return (threads->room + 1) * sizeof *threads->os_id;
}

/* No thread joins the list any more. */
static bool list_threads(struct threads *threads)
{
    recording_lock();
    *threads = (struct threads){.room = count_threads()};
    recording_unlock();
    threads->os_id = os_map(bytes_of(threads));
    if (!threads->os_id)
        return false;
    recording_lock();
    const struct thread_capture *thread = recording.fork_local->threads;
    for (; thread && threads->count < threads->room; thread = thread->next)
        if (thread != thread_of_this && !thread->is_shared)
            threads->os_id[threads->count++] = thread->os_id;
    recording_unlock();
    if (thread)
        os_unmap(threads->os_id, bytes_of(threads));
    return !thread;
}

static bool is_quiet(uint32_t os_id)
{
    enum { TRIES = 1000, WAIT_NS = 1000000, ENOUGH_NS = 100000 };
    uint64_t at_first = 0, now;
    for (int i = 0; i < TRIES; i++) {
        enum os_thread_activity activity = os_thread_activity(os_id, &now);
        if (activity == OS_THREAD_WAITS || (at_first && now > at_first + ENOUGH_NS))
            return true;
        if (!at_first)
            at_first = now;
        os_sleep_ns(WAIT_NS);
    }
    return false;
}

bool thread_all_are_quiet(void)
{
    struct threads threads;
    uint64_t unused;
    /* In another process namespace's /proc this thread is not found. */
    bool can_tell = os_barrier_all() && os_thread_activity(os_thread_id(), &unused) == OS_THREAD_RUNS;
    if (!can_tell || !list_threads(&threads))
        return false;
    bool all = true;
    for (uint32_t i = 0; all && i < threads.count; i++)
        all = is_quiet(threads.os_id[i]);
    os_unmap(threads.os_id, bytes_of(&threads));
    return all;
}

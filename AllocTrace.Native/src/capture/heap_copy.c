#include "capture/heap_copy.h"

#include <errno.h>
#include <string.h>

#include "capture/records.h"
#include "python/thread_state.h"

static bool holds_gil(const struct traced_runtime *runtime)
{
    bool is_attached = false;
    return runtime && runtime->python.layout && thread_state_of_call(runtime->python.layout, &runtime->python, true, &is_attached)
           && is_attached;
}

/* Takes the copy's members for the calling thread: until it stores another state, no other thread makes or reaps a copy. */
static bool take(enum alloctrace_copy_state from)
{
    uint32_t expected = from;
    return __atomic_compare_exchange_n(&session.header->copy_state, &expected, ALLOCTRACE_COPY_BUSY, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

static void give_back(enum alloctrace_copy_state state)
{
    SHARED_STORE(session.header->copy_state, (uint32_t)state);
}

static enum heap_copy_result refuse(uint32_t error)
{
    session.header->copy_error = error;
    give_back(ALLOCTRACE_COPY_REFUSED);
    return HEAP_COPY_REFUSED;
}

static void reap(void)
{
    if (SHARED_LOAD(session.header->copy_state) != ALLOCTRACE_COPY_RELEASED || !take(ALLOCTRACE_COPY_RELEASED))
        return;
    give_back(os_copy_is_reaped((int32_t)session.header->copy_pid) ? ALLOCTRACE_COPY_NONE : ALLOCTRACE_COPY_RELEASED);
}

/* In the copy, which ends: asks the process to reap it, whether the collector released it or is gone. */
static void tell_end(void)
{
    uint32_t made = ALLOCTRACE_COPY_MADE;
    __atomic_compare_exchange_n(&session.header->copy_state, &made, ALLOCTRACE_COPY_RELEASED, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    __atomic_fetch_or(&session.header->order, ALLOCTRACE_ORDER_REQUEST, __ATOMIC_ACQ_REL);
}

/* The copy's members are this thread's. */
static enum heap_copy_result make(struct thread_capture *thread, const struct traced_runtime *runtime, uint32_t name)
{
    struct alloctrace_session *header = session.header;
    if (runtime->python.layout->free_threaded && !os_is_single_threaded())
        return refuse(ENOTSUP); /* other threads change objects meanwhile */
    if (header->sample_bytes)
        return refuse(ENODATA); /* who holds what cannot be told from a part of the blocks */
    uint64_t begin = os_monotonic_ns();
    if (!os_memory_allows_copy())
        return refuse(ENOMEM);
    SHARED_STORE(header->copy_ends, 0);
    struct os_copy_terms terms = {&header->copy_ends, &header->collector_beat_ns, &header->collector_pid, tell_end};
    int32_t pid = os_copy_process(&terms);
    header->copy_pause_ns = os_monotonic_ns() - begin;
    if (pid < 0)
        return refuse((uint32_t)-pid);
    header->copy_pid = (uint32_t)pid;
    give_back(ALLOCTRACE_COPY_MADE);
    record_mark(thread, ALLOCTRACE_MARK_COPY, (uint64_t)(uint32_t)pid << ALLOCTRACE_COPY_PID_SHIFT | name);
    return HEAP_COPY_MADE;
}

enum heap_copy_result heap_copy_make_for(struct thread_capture *thread, struct traced_runtime *runtime, uint32_t name)
{
    if (!holds_gil(runtime))
        return HEAP_COPY_NO_GIL;
    reap();
    return take(ALLOCTRACE_COPY_NONE) || take(ALLOCTRACE_COPY_REFUSED) ? make(thread, runtime, name) : HEAP_COPY_BUSY;
}

/* The request is cleared first: one that comes meanwhile sets it again. */
static void clear_request(void)
{
    __atomic_fetch_and(&session.header->order, ~ALLOCTRACE_ORDER_REQUEST, __ATOMIC_ACQ_REL);
}

/* Returns whether a released copy waits to be reaped, or a thread is about to settle that. */
static bool is_left(void)
{
    uint32_t state = SHARED_LOAD(session.header->copy_state);
    return state == ALLOCTRACE_COPY_RELEASED || state == ALLOCTRACE_COPY_BUSY;
}

void heap_copy_tidy(void)
{
    reap();
    if (!is_left() && !SHARED_LOAD(session.header->copy_wanted))
        clear_request();
}

static uint32_t name_of(enum alloctrace_copy_wanted wanted)
{
    const struct alloctrace_session *header = session.header;
    const char *name = wanted == ALLOCTRACE_COPY_WANTED_PEAK ? ALLOCTRACE_NEAR_PEAK : header->requested_name;
    recording_lock();
    uint32_t string = session_string(name, strnlen(name, sizeof header->requested_name));
    recording_unlock();
    return string;
}

/* The request is taken up before the copy is made: the collector withdraws it in the same way, and one of the two gets it. */
void heap_copy_make_if_wanted(struct thread_capture *thread)
{
    struct alloctrace_session *header = session.header;
    heap_copy_tidy();
    bool is_free = SHARED_LOAD(header->copy_state) == ALLOCTRACE_COPY_NONE || SHARED_LOAD(header->copy_state) == ALLOCTRACE_COPY_REFUSED;
    if (!SHARED_LOAD(header->copy_wanted) || !is_free || !recording.fork_local->owned || !holds_gil(thread->runtime))
        return;
    clear_request();
    enum alloctrace_copy_wanted wanted = __atomic_exchange_n(&header->copy_wanted, ALLOCTRACE_COPY_WANTED_NOT, __ATOMIC_ACQ_REL);
    if (wanted && heap_copy_make_for(thread, thread->runtime, name_of(wanted)) == HEAP_COPY_BUSY)
        SHARED_STORE(header->copy_wanted,
                     (uint32_t)wanted); /* another interpreter's thread was faster: the collector sets the request again */
}

void heap_copy_make_at_end(struct thread_capture *thread, struct traced_runtime *runtime)
{
    enum heap_copy_result result = heap_copy_make_for(thread, runtime, 0);
    if (result == HEAP_COPY_BUSY)
        session.header->copy_error = EBUSY;
    if (result == HEAP_COPY_REFUSED || result == HEAP_COPY_BUSY)
        record_mark(thread, ALLOCTRACE_MARK_COPY, 0);
}

/* ---- after an exec ---- */

static int32_t earlier; /* 0: there is none */

void heap_copy_find_earlier(void)
{
    __atomic_store_n(&earlier, os_find_copy(), __ATOMIC_RELAXED);
}

void heap_copy_reap_earlier(void)
{
    int32_t pid = __atomic_load_n(&earlier, __ATOMIC_RELAXED);
    if (pid && os_copy_is_reaped(pid))
        __atomic_store_n(&earlier, 0, __ATOMIC_RELAXED);
}

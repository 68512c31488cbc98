#include "capture/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/c_stacks/c_stack.h"
#include "capture/recording.h"
#include "capture/records.h"
#include "capture/sampling.h"
#include "platform/threads.h"

_Thread_local struct thread_capture *thread_of_this __attribute__((tls_model("initial-exec")));
static struct thread_capture nobody;
_Thread_local struct thread_capture *thread_or_nobody __attribute__((tls_model("initial-exec"))) = &nobody;
_Thread_local bool thread_is_over __attribute__((tls_model("initial-exec")));
_Thread_local bool thread_is_left_out __attribute__((tls_model("initial-exec")));

/* One mapping a thread: the capture itself and room for a stack of usual depth. */
struct thread_block {
    struct thread_capture thread;
    struct kept_frame frames[1 + KEPT_FIRST_CAPACITY]; /* with the sentinel */
    struct kept_place places[KEPT_FIRST_CAPACITY];
    uintptr_t pending[KEPT_FIRST_CAPACITY];
    struct kept_chunk chunks[KEPT_FIRST_CAPACITY / KEPT_FRAMES_PER_CHUNK];
};

static void set_thread(struct thread_capture *thread)
{
    thread_of_this = thread;
    thread_or_nobody = thread ? thread : &nobody;
}

/* ---- the end of a thread ---- */

static void end_stream(struct thread_capture *thread)
{
    struct alloctrace_thread *shared = thread->shared;
    if (thread == thread_of_this)
        os_thread_name(shared->name);
    shared->ended_ns = os_monotonic_ns();
    SHARED_STORE(shared->state, (uint32_t)ALLOCTRACE_THREAD_ENDED);
}

/* Releases a thread that is in no list any more. */
static void release(struct thread_capture *thread)
{
    kept_stack_release_room(&thread->stack);
    c_stack_release(thread);
    os_unmap(thread, sizeof(struct thread_block));
}

/* ---- the list of all threads ---- */

static void join_list(struct thread_capture *thread)
{
    recording_lock();
    thread->next = recording.fork_local->threads;
    if (thread->next)
        thread->next->previous = thread;
    recording.fork_local->threads = thread;
    recording_unlock();
}

/* Under the lock. */
static void unlink_thread(struct thread_capture *thread)
{
    alloctrace_assert(recording_is_locked());
    if (thread->next)
        thread->next->previous = thread->previous;
    if (thread->previous)
        thread->previous->next = thread->next;
    else
        recording.fork_local->threads = thread->next;
}

static void leave_list(struct thread_capture *thread)
{
    recording_lock();
    unlink_thread(thread);
    recording_unlock();
}

/* Not every thread runs the destructor of its key when it ends, or runs it last: it may first allocate in the last round of destructors, be
 * cancelled within a hook, or not be made by pthread_create. Those are found by asking the system. */
static void reap(void)
{
    struct thread_capture *dead = NULL, *next;
    recording_lock();
    recording.fork_local->threads_since_reap = recording.fork_local->threads_after_reap = 0;
    for (struct thread_capture *thread = recording.fork_local->threads; thread; thread = next) {
        next = thread->next;
        if (thread == thread_of_this || thread->is_shared || !os_thread_is_gone(thread->process_id, thread->os_id)) {
            recording.fork_local->threads_after_reap++;
            continue;
        }
        unlink_thread(thread);
        if (thread->recording == thread_recording && thread->shared)
            end_stream(thread);
        thread->next = dead;
        dead = thread;
    }
    recording_unlock();
    for (; dead; dead = next) {
        next = dead->next;
        recording.calls.thread_is_gone(dead->signal_stack);
        release(dead);
    }
}

/* Called for each new thread. Checks all threads when their number may have doubled: at most one system call for each thread. */
static void reap_now_and_then(void)
{
    enum { ALWAYS_ALLOWED = 16 };
    recording_lock();
    bool is_due = ++recording.fork_local->threads_since_reap > ALWAYS_ALLOWED + recording.fork_local->threads_after_reap;
    recording_unlock();
    if (is_due)
        reap();
}

static bool any_inside(void)
{
    recording_lock();
    const struct thread_capture *thread = recording.fork_local->threads;
    while (thread && (thread == thread_of_this || __atomic_load_n(&thread->state, __ATOMIC_ACQUIRE) != THREAD_INSIDE))
        thread = thread->next;
    recording_unlock();
    return thread;
}

bool thread_stop_all(void)
{
    enum { TRIES = 2000, WAIT_NS = 1000000 };
    reap();
    __atomic_add_fetch(&thread_recording, 1, __ATOMIC_SEQ_CST);
    thread_change_ready();
    for (int i = 0; i < TRIES; i++) {
        if (!any_inside())
            return true;
        os_sleep_ns(WAIT_NS);
    }
    return false;
}

/* Ends the thread's stream as late as possible: other destructors may run after this one and allocate (CPython clears thread states there).
 * In the last round the sanitizers' runtimes end their part of the thread, and functions that they intercept must not be called any more.
 * Later allocations get a stream of their own, which reap ends. */
static void on_thread_exit(void *value)
{
    struct thread_capture *thread = value;
    if (!thread->recording || thread->state == THREAD_INSIDE)
        return; /* of a parent process; or ended from within a hook */
    if (thread_exit_ask_again(thread, ++thread->exit_rounds))
        return;
    __atomic_store_n(&thread->state, THREAD_INSIDE, __ATOMIC_SEQ_CST); /* whoever stops the recording waits */
    if (thread->recording == __atomic_load_n(&thread_recording, __ATOMIC_SEQ_CST))
        end_stream(thread);
    set_thread(NULL);
    thread_is_over = true;
    recording.calls.thread_ends();
    leave_list(thread);
    release(thread);
}

void thread_leave_out(void)
{
    struct thread_capture *thread = thread_of_this;
    thread_is_left_out = true;
    if (!thread || thread->state == THREAD_INSIDE)
        return;
    __atomic_store_n(&thread->state, THREAD_INSIDE, __ATOMIC_SEQ_CST);
    if (thread->recording == __atomic_load_n(&thread_recording, __ATOMIC_SEQ_CST))
        end_stream(thread);
    set_thread(NULL);
    thread_exit_ask(NULL);
    leave_list(thread);
    release(thread);
}

/* A CPython in a namespace of its own (dlmopen) has a C library of its own. */
static bool has_other_namespace(void)
{
    for (uint32_t i = 0; i < recording.runtime_count; i++)
        if (!recording.runtimes[i].python.image.begin)
            return true;
    return false;
}

/* ---- the beginning ---- */

static struct thread_capture *map_thread(void)
{
    struct thread_block *block = os_map_wiped(sizeof *block);
    return block ? &block->thread : NULL;
}

static void use_own_room(struct kept_stack *stack, struct thread_block *block)
{
    *stack = (struct kept_stack){.top.walk = kept_stack_unknown,
                                 .capacity = KEPT_FIRST_CAPACITY,
                                 .frames = block->frames + 1,
                                 .places = block->places,
                                 .pending = block->pending,
                                 .chunks = block->chunks};
}

/* A slot of a thread that is gone and drained, or a new one. Under the lock. */
static bool take_slot(uint32_t *slot)
{
    alloctrace_assert(recording_is_locked());
    struct alloctrace_session *header = session.header;
    uint32_t threads = header->threads;
    for (uint32_t i = 0; i < threads; i++)
        if (SHARED_LOAD(session_thread(i)->state) == ALLOCTRACE_THREAD_FREE) {
            *slot = i;
            return true;
        }
    bool numbered = threads < ALLOCTRACE_NO_SLOT;
    bool there = threads / PER_EXTENT(struct alloctrace_thread) < session.extents_of[ALLOCTRACE_EXTENT_THREADS];
    if (!numbered || (!there && !session_grow(ALLOCTRACE_EXTENT_THREADS)))
        return false;
    *slot = threads;
    return true;
}

static bool begin_stream(struct thread_capture *thread)
{
    recording_lock();
    bool found = recording.calls.make_session() && take_slot(&thread->slot);
    if (found) {
        struct alloctrace_thread *shared = thread->shared = session_thread(thread->slot);
        bool used_before = thread->slot < session.header->threads;
        SHARED_STORE(shared->state, (uint32_t)ALLOCTRACE_THREAD_RESERVED); /* the collector looks at nothing else from here on */
        shared->incarnation += used_before;
        shared->os_id = os_thread_id();
        shared->stack = (uint64_t)(uintptr_t)__builtin_frame_address(0);
        shared->descriptor = os_pthread();
        shared->started_ns = os_monotonic_ns();
        shared->ended_ns = shared->lost_events = shared->drained = 0;
        shared->drained_slab = 0;
        SHARED_STORE(shared->cursor, 0);
        os_thread_name(shared->name);
        if (!used_before)
            SHARED_STORE(session.header->threads, thread->slot + 1);
    }
    recording_unlock();
    if (!found)
        return false;
    if (!records_begin_stream(thread)) {
        SHARED_STORE(thread->shared->state, (uint32_t)ALLOCTRACE_THREAD_FREE);
        return false;
    }
    SHARED_STORE(thread->shared->state, (uint32_t)ALLOCTRACE_THREAD_LIVE);
    return true;
}

struct thread_capture *thread_make_shared(struct thread_capture *earlier)
{
    static const char name[sizeof(((struct alloctrace_thread *)0)->name)] = "ended threads";
    struct thread_capture *thread = earlier ? earlier : map_thread();
    if (!thread)
        return NULL;
    thread->state = THREAD_INSIDE;
    thread->ready = __atomic_load_n(&thread_ready, __ATOMIC_ACQUIRE); /* before the recording, which changes before it */
    thread->recording = thread_recording;
    thread->is_shared = true;
    if (!earlier)
        join_list(thread);
    use_own_room(&thread->stack, (struct thread_block *)thread);
    sampling_begin_thread(thread);
    bool is_ready = begin_stream(thread);
    if (is_ready)
        memcpy(thread->shared->name, name, sizeof name);
    thread->state = is_ready ? thread->ready : (uint32_t)THREAD_UNREADY;
    return thread;
}

static struct thread_capture *make_ready(struct thread_capture *thread)
{
    bool is_new = !thread;
    if (is_new)
        reap_now_and_then();
    if (is_new && !(thread = map_thread()))
        return NULL;
    bool is_listed = !is_new && thread->recording; /* not after a fork */
    set_thread(thread);
    thread->state = THREAD_INSIDE;
    thread->runtime = NULL;
    thread->pthread = os_pthread();
    thread->ready = __atomic_load_n(&thread_ready, __ATOMIC_ACQUIRE); /* before the recording, which changes before it */
    thread->recording = thread_recording;
    if (is_listed) {
        kept_stack_release_room(&thread->stack);
        c_stack_release(thread);
    } else {
        thread->process_id = os_process_id();
        thread->os_id = os_thread_id();
        join_list(thread);
    }
    use_own_room(&thread->stack, (struct thread_block *)thread);
    sampling_begin_thread(thread);
    if (!begin_stream(thread)) {
        thread->state = THREAD_UNREADY;
        return NULL;
    }
    if (recording.options.crash)
        thread->signal_stack = recording.calls.thread_begins();
    thread_call_real(thread, true);
    thread_exit_begin(on_thread_exit, has_other_namespace);
    thread_exit_ask(thread);
    thread_call_real(thread, false);
    return thread;
}

/* A probe makes the thread look as if it were inside a hook, so that its calls reach thread_enter_slow, which notes them. */
static _Thread_local struct {
    bool active, reached;
    enum hook_state before;
} probe __attribute__((tls_model("initial-exec")));

bool thread_is_inside(void)
{
    return probe.active || (thread_of_this && thread_of_this->state == THREAD_INSIDE);
}

void thread_begin_probe(void)
{
    probe.active = true;
    probe.reached = false;
    if (thread_of_this) {
        probe.before = thread_of_this->state;
        thread_of_this->state = THREAD_INSIDE;
    }
}

void thread_note_probe(void)
{
    if (probe.active)
        probe.reached = true;
}

bool thread_end_probe(void)
{
    probe.active = false;
    if (thread_of_this)
        thread_of_this->state = probe.before;
    return probe.reached;
}

struct thread_capture *thread_enter_slow(void)
{
    struct thread_capture *thread = thread_of_this;
    if (probe.active) {
        probe.reached = true;
        return NULL;
    }
#ifdef ALLOCTRACE_CHECKED
    if (thread && thread->state == THREAD_INSIDE && !thread->in_real) {
        os_message("a hook was reached from within a hook");
        abort();
    }
#endif
    if (thread && thread_meet_death(thread))
        return thread;
    if ((thread && thread->state == THREAD_INSIDE) || thread_is_left_out || __atomic_load_n(&recording.off, __ATOMIC_RELAXED))
        return NULL;
    int saved = errno;
    struct thread_capture *ready = make_ready(thread);
    if (!ready)
        thread_tell_unready();
    errno = saved;
    return ready;
}

/* The functions of alloctrace.h, by which a host does what the preloaded library's constructor does. */
#include "alloctrace/alloctrace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/heap_copy.h"
#include "capture/recording.h"
#include "capture/records.h"
#include "capture/resident/resident.h"
#include "inject/runtimes.h"
#include "inject/wide_text.h"
#include "lifecycle/lifecycle.h"
#include "platform/loader.h"

enum { BUSY = -3, RETRY_NS = 1000000 };

/* Held by a thread that starts or stops the recording. A thread that waits for the loader's lock does not hold it, and a thread with the
 * loader's lock does not wait for it: a constructor that runs within dlopen may start a recording too. */
static struct lock api_lock;

/* Held while the session is read, or unmapped. */
static struct lock view_lock;

static bool is_running(void)
{
    return recording.fork_local && !recording.off;
}

static int begin(const char *path, const char *text)
{
    static struct options options;
    char error[256];
    if (os_is_privileged()) {
        os_message("a program with more rights than its user is not recorded");
        return ALLOCTRACE_FAILED;
    }
    if (!options_parse(&options, path, text, error, sizeof error)) {
        os_message("%s; nothing is recorded", error);
        return ALLOCTRACE_FAILED;
    }
    if (lifecycle_arm(&options))
        return ALLOCTRACE_DONE;
    lifecycle_tell_refusal();
    return ALLOCTRACE_FAILED;
}

struct start {
    const char *path, *options;
    int result;
};

/* Under the loader's lock. */
static void start_locked(void *argument)
{
    struct start *start = argument;
    start->result = BUSY;
    if (!lock_try(&api_lock))
        return;
    start->result = is_running() ? ALLOCTRACE_DONE : begin(start->path, start->options);
    if (start->result == ALLOCTRACE_DONE) {
        runtimes_look(ALLOCTRACE_FOUND_START);
        lifecycle_resume();
    }
    lock_release(&api_lock);
}

/* Starts the recording. While one runs, only looks for CPythons that have been loaded since, and does not read path and options. */
static int start(const char *path, const char *options)
{
    struct start start = {path, options, BUSY};
    if (!loader_is_known()) {
        os_message("this program's C library is not the GNU C library: nothing is recorded");
        return ALLOCTRACE_FAILED;
    }
    for (;;) {
        loader_call_locked(start_locked, &start);
        if (start.result != BUSY)
            return start.result;
        os_sleep_ns(RETRY_NS);
    }
}

int alloctrace_start(const char *path, const char *options)
{
    if (!path || !*path) {
        os_message("a recording needs a path; nothing is recorded");
        return ALLOCTRACE_FAILED;
    }
    if (!wide_text_is_none(path, "path") || !wide_text_is_none(options, "options"))
        return ALLOCTRACE_FAILED;
    return start(path, options);
}

int alloctrace_start_from_env(void)
{
    const char *path = getenv("ALLOCTRACE");
    return is_running() || (path && *path) ? start(path, getenv("ALLOCTRACE_OPTIONS")) : ALLOCTRACE_OFF;
}

/* Under the loader's lock. Keeps api_lock when it takes the hooks out. */
static void unhook_locked(void *result)
{
    *(int *)result = BUSY;
    if (!lock_try(&api_lock))
        return;
    *(int *)result = is_running() ? ALLOCTRACE_DONE : ALLOCTRACE_NOT_RUNNING;
    if (is_running())
        runtimes_unhook();
    else
        lock_release(&api_lock);
}

static int stop(bool wait)
{
    int result = ALLOCTRACE_NOT_RUNNING;
    while (is_running()) {
        loader_call_locked(unhook_locked, &result);
        if (result != BUSY)
            break;
        os_sleep_ns(RETRY_NS);
    }
    if (result != ALLOCTRACE_DONE)
        return ALLOCTRACE_NOT_RUNNING;
    bool is_quiet = lifecycle_stop(wait);
    lock_acquire(&view_lock);
    if (is_quiet)
        lifecycle_release();
    lock_release(&view_lock);
    lock_release(&api_lock);
    return ALLOCTRACE_DONE;
}

int alloctrace_stop(void)
{
    return stop(true);
}

int alloctrace_stop_async(void)
{
    return stop(false);
}

void alloctrace_leave_out_thread(void)
{
    if (recording.fork_local)
        thread_leave_out();
}

/* Begins a hook and interns a snapshot's name. On failure: *thread is NULL. */
static int begin_snapshot(const char *name, struct thread_capture **thread, uint32_t *reference)
{
    *thread = NULL;
    if (!is_running() || !recording.fork_local->owned)
        return ALLOCTRACE_NOT_RUNNING;
    if (!wide_text_is_none(name, "name") || !(*thread = thread_enter()))
        return ALLOCTRACE_FAILED;
    recording_lock();
    *reference = session_string(name, strlen(name));
    recording_unlock();
    return *reference ? ALLOCTRACE_DONE : ALLOCTRACE_FAILED;
}

int alloctrace_snapshot(const char *name)
{
    struct thread_capture *thread;
    uint32_t reference;
    int result = begin_snapshot(name, &thread, &reference);
    if (result == ALLOCTRACE_DONE) {
        resident_record(thread, ALLOCTRACE_MEMORY_SNAPSHOT, reference);
        record_mark(thread, ALLOCTRACE_MARK_SNAPSHOT, reference);
    }
    if (thread)
        thread_leave(thread);
    return result;
}

/* Makes the copy for the CPython whose GIL the calling thread holds. */
static enum heap_copy_result copy_of_any_runtime(struct thread_capture *thread, uint32_t reference)
{
    enum heap_copy_result result = HEAP_COPY_NO_GIL;
    for (uint32_t i = 0; i < recording.runtime_count && result == HEAP_COPY_NO_GIL; i++)
        if (recording.runtimes[i].used)
            result = heap_copy_make_for(thread, &recording.runtimes[i], reference);
    return result;
}

static const char *why_no_copy(enum heap_copy_result result)
{
    if (result == HEAP_COPY_BUSY)
        return "the collector is still reading the copy for an earlier snapshot";
    if (result == HEAP_COPY_NO_GIL)
        return "the calling thread does not hold the GIL, or the layout of this CPython is not known";
    switch (session.header->copy_error) {
    case ENOTSUP:
        return "this CPython has no GIL, and the process has several threads";
    case ENODATA:
        return "the recording is sampled";
    case ENOMEM:
        return "there is too little memory for a copy of the process";
    default:
        return os_error_text((int)session.header->copy_error);
    }
}

int alloctrace_snapshot_objects(const char *name)
{
    struct thread_capture *thread;
    uint32_t reference;
    int result = begin_snapshot(name, &thread, &reference);
    enum heap_copy_result copy = HEAP_COPY_MADE;
    if (result == ALLOCTRACE_DONE && (copy = copy_of_any_runtime(thread, reference)) != HEAP_COPY_MADE) {
        record_mark(thread, ALLOCTRACE_MARK_SNAPSHOT, reference);
        result = ALLOCTRACE_FAILED;
    }
    if (thread)
        thread_leave(thread);
    if (copy != HEAP_COPY_MADE)
        os_message("snapshot \"%.80s\" has no types and holders: %s", name, why_no_copy(copy));
    return result;
}

/* ---- looking at the session ---- */

/* Between the two the session is neither taken away nor replaced. False: there is none. */
static bool view_begin(void)
{
    lock_acquire(&view_lock);
    if (is_running() && recording.fork_local->owned)
        return true;
    lock_release(&view_lock);
    return false;
}

static void view_end(void)
{
    lock_release(&view_lock);
}

/* The position of each thread's stream in a recording. */
struct cursors {
    uint32_t recording, threads;
    uint64_t *cursor;
};

static size_t cursors_bytes(const struct cursors *cursors)
{
    return (cursors->threads + 1) * sizeof *cursors->cursor;
}

static bool note_cursors(struct cursors *cursors)
{
    *cursors = (struct cursors){thread_recording, SHARED_LOAD(session.header->threads), NULL};
    cursors->cursor = os_map(cursors_bytes(cursors));
    for (uint32_t i = 0; cursors->cursor && i < cursors->threads; i++)
        cursors->cursor[i] = SHARED_LOAD(session_thread(i)->cursor);
    return cursors->cursor;
}

/* Returns true if the collector has reached the positions of all threads. */
static bool is_drained(const struct cursors *cursors)
{
    for (uint32_t i = 0; i < cursors->threads; i++) {
        const struct alloctrace_thread *thread = session_thread(i);
        uint32_t state = SHARED_LOAD(thread->state);
        if ((state == ALLOCTRACE_THREAD_LIVE || state == ALLOCTRACE_THREAD_ENDED) && SHARED_LOAD(thread->drained) < cursors->cursor[i])
            return false;
    }
    return true;
}

int alloctrace_flush(uint32_t milliseconds)
{
    enum { WAIT_NS = 1000000 };
    struct cursors cursors;
    if (!view_begin())
        return ALLOCTRACE_NOT_RUNNING;
    bool has_memory = note_cursors(&cursors);
    view_end();
    if (!has_memory)
        return ALLOCTRACE_FAILED;
    uint64_t end = os_monotonic_ns() + milliseconds * UINT64_C(1000000);
    bool is_done = false, is_there = true;
    while (is_there && !is_done) {
        if ((is_there = view_begin())) {
            is_there = thread_recording == cursors.recording;
            is_done = is_there && is_drained(&cursors);
            view_end();
        }
        if (is_done || os_monotonic_ns() >= end)
            break;
        os_sleep_ns(WAIT_NS);
    }
    os_unmap(cursors.cursor, cursors_bytes(&cursors));
    return is_done ? ALLOCTRACE_DONE : ALLOCTRACE_FAILED;
}

static void describe_session(struct alloctrace_status *now)
{
    now->has_session = 1;
    now->collector_pid = SHARED_LOAD(session.header->collector_pid);
    now->session_bytes = ALLOCTRACE_HEADER_BYTES + (uint64_t)SHARED_LOAD(session.header->extents) * ALLOCTRACE_EXTENT_BYTES;
    now->lost_events = SHARED_LOAD(session.header->unslotted_events);
    for (uint32_t i = 0, threads = SHARED_LOAD(session.header->threads); i < threads; i++)
        now->lost_events += SHARED_LOAD(session_thread(i)->lost_events);
    memcpy(now->session_path, session.file.path, sizeof now->session_path);
}

int alloctrace_get_status(struct alloctrace_status *status)
{
    struct alloctrace_status now = {.size = sizeof now, .is_recording = is_running()};
    for (uint32_t i = 0; is_running() && i < recording.runtime_count; i++) {
        now.runtimes += recording.runtimes[i].used;
        now.without_stacks += recording.runtimes[i].used && recording.runtimes[i].stacks == ALLOCTRACE_STACKS_OFF;
    }
    if (view_begin()) {
        describe_session(&now);
        view_end();
    }
    memcpy(status, &now, status->size < sizeof now ? status->size : sizeof now);
    return ALLOCTRACE_DONE;
}

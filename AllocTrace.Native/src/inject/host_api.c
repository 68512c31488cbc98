/* The functions of alloctrace.h: what the preloaded library's constructor does, at a moment of the host's choice. */
#include "alloctrace/alloctrace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/hook.h"
#include "capture/recording.h"
#include "capture/records.h"
#include "inject/runtimes.h"
#include "inject/tracked_domains.h"

static uint32_t api_lock; /* between threads that start or stop at the same time */

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
    if (!recording_arm(&options))
        return ALLOCTRACE_FAILED;
    recording.on_new_code = tracked_domains_redirect_new_libraries;
    tracked_domains_redirect_new_libraries();
    return ALLOCTRACE_DONE;
}

int alloctrace_start(const char *path, const char *options)
{
    if (!path || !*path) {
        os_message("a recording needs a path; nothing is recorded");
        return ALLOCTRACE_FAILED;
    }
    int saved = errno;
    lock_acquire(&api_lock);
    int result = is_running() ? ALLOCTRACE_DONE : begin(path, options);
    if (result == ALLOCTRACE_DONE)
        runtimes_look(ALLOCTRACE_FOUND_START);
    if (result == ALLOCTRACE_DONE)
        recording_resume();
    lock_release(&api_lock);
    errno = saved;
    return result;
}

int alloctrace_start_from_env(void)
{
    const char *path = getenv("ALLOCTRACE");
    if (is_running())
        return alloctrace_start("running", NULL);
    return path && *path ? alloctrace_start(path, getenv("ALLOCTRACE_OPTIONS")) : ALLOCTRACE_OFF;
}

static int stop(bool wait)
{
    if (!is_running())
        return ALLOCTRACE_NOT_RUNNING;
    int saved = errno;
    lock_acquire(&api_lock);
    for (uint32_t i = 0; i < recording.runtime_count; i++)
        if (recording.runtimes[i].used)
            hook_remove(&recording.runtimes[i]);
    runtimes_forget();
    recording_stop(wait);
    lock_release(&api_lock);
    errno = saved;
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

int alloctrace_snapshot(const char *name)
{
    if (!is_running() || !recording.fork_local->owned)
        return ALLOCTRACE_NOT_RUNNING;
    struct thread_capture *thread = thread_enter();
    if (!thread)
        return ALLOCTRACE_FAILED;
    recording_lock();
    uint32_t reference = session_string(name, strlen(name));
    recording_unlock();
    if (reference)
        record_mark(thread, ALLOCTRACE_MARK_SNAPSHOT, reference);
    thread_leave(thread);
    return reference ? ALLOCTRACE_DONE : ALLOCTRACE_FAILED;
}

/* Whether the collector is where each thread is now. */
static bool is_drained(const uint64_t cursor[], uint32_t threads)
{
    for (uint32_t i = 0; i < threads; i++) {
        const struct alloctrace_thread *thread = session_thread(i);
        uint32_t state = SHARED_LOAD(thread->state);
        if ((state == ALLOCTRACE_THREAD_LIVE || state == ALLOCTRACE_THREAD_ENDED) && SHARED_LOAD(thread->drained) < cursor[i])
            return false;
    }
    return true;
}

int alloctrace_flush(uint32_t milliseconds)
{
    enum { WAIT_NS = 1000000 };
    if (!is_running() || !recording.fork_local->owned)
        return ALLOCTRACE_NOT_RUNNING;
    uint32_t threads = SHARED_LOAD(session.header->threads);
    uint64_t *cursor = os_map((threads + 1) * sizeof *cursor);
    if (!cursor)
        return ALLOCTRACE_FAILED;
    for (uint32_t i = 0; i < threads; i++)
        cursor[i] = SHARED_LOAD(session_thread(i)->cursor);
    uint64_t end = os_monotonic_ns() + milliseconds * UINT64_C(1000000);
    bool done = false;
    while (!(done = is_drained(cursor, threads)) && os_monotonic_ns() < end)
        os_sleep_ns(WAIT_NS);
    os_unmap(cursor, (threads + 1) * sizeof *cursor);
    return done ? ALLOCTRACE_DONE : ALLOCTRACE_FAILED;
}

int alloctrace_get_status(struct alloctrace_status *status)
{
    struct alloctrace_status now = {.size = sizeof now, .is_recording = is_running()};
    for (uint32_t i = 0; is_running() && i < recording.runtime_count; i++) {
        now.runtimes += recording.runtimes[i].used;
        now.without_stacks += recording.runtimes[i].used && recording.runtimes[i].stacks == ALLOCTRACE_STACKS_OFF;
    }
    if (is_running() && recording.fork_local->owned) {
        now.has_session = 1;
        now.collector_pid = SHARED_LOAD(session.header->collector_pid);
        now.session_bytes = ALLOCTRACE_HEADER_BYTES + (uint64_t)SHARED_LOAD(session.header->extents) * ALLOCTRACE_EXTENT_BYTES;
        now.lost_events = SHARED_LOAD(session.header->unslotted_events);
        for (uint32_t i = 0, threads = SHARED_LOAD(session.header->threads); i < threads; i++)
            now.lost_events += SHARED_LOAD(session_thread(i)->lost_events);
        memcpy(now.session_path, session.file.path, sizeof now.session_path);
    }
    memcpy(status, &now, status->size < sizeof now ? status->size : sizeof now);
    return ALLOCTRACE_DONE;
}

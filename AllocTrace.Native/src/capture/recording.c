#include "capture/recording.h"

#include <stdio.h>
#include <string.h>

#include "capture/code_cache.h"
#include "capture/intern.h"
#include "capture/sampling.h"
#include "capture/thread.h"
#include "crash/crash.h"
#include "session/collector.h"
#include "session/fork.h"
#include "session/session.h"

struct recording recording;

static void forget_tables(void)
{
    intern_reset();
    code_cache_reset();
    recording.fork_local->owned = false;
}

bool recording_arm(const struct options *options)
{
    if (recording.fork_local) { /* one was stopped */
        if (session.header)
            session_forget();
        forget_tables();
        recording.options = *options;
        sampling_begin(options->sample_bytes);
        if (options->starts_collector)
            collector_find_command();
        return true;
    }
    recording.options = *options;
    recording.fork_local = os_map_wiped(sizeof *recording.fork_local);
    if (!recording.fork_local) {
        recording.is_refused = true;
        return false;
    }
    recording.fork_local->loader_is_free = true;
    sampling_begin(options->sample_bytes);
    if (options->starts_collector)
        collector_find_command();
    fork_watch();
    return true;
}

void recording_tell_refusal(void)
{
    static bool told;
    if (recording.is_refused && !__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
        os_message("cannot record: the system refused madvise(MADV_WIPEONFORK), which needs Linux 4.14 and a sandbox that allows it");
}

void recording_resume(void)
{
    __atomic_store_n(&recording.off, false, __ATOMIC_RELEASE);
}

static void switch_off(void)
{
    __atomic_store_n(&recording.off, true, __ATOMIC_RELAXED);
}

/* Under the lock. */
static void tell_runtime(struct traced_runtime *runtime)
{
    uint32_t number = (uint32_t)(runtime - recording.runtimes);
    struct alloctrace_runtime *told = &session.header->runtime[number];
    if (told->hooked_ns != runtime->hooked_ns) {
        told->library = session_string(runtime->path, strlen(runtime->path));
        told->version = session_string(runtime->python.version, strlen(runtime->python.version));
        told->hex = runtime->python.hex;
        told->found = runtime->found;
        told->was_initialized = runtime->was_initialized;
        told->hooked_ns = runtime->hooked_ns;
    }
    if (*runtime->stacks_reason)
        told->stacks_reason = session_string(runtime->stacks_reason, strlen(runtime->stacks_reason));
    SHARED_STORE(told->stacks, runtime->stacks);
    if (session.header->runtimes <= number)
        SHARED_STORE(session.header->runtimes, number + 1);
}

void recording_tell_runtime(struct traced_runtime *runtime)
{
    recording_lock();
    if (recording.fork_local->owned)
        tell_runtime(runtime);
    recording_unlock();
}

/* The place of the same library when it was loaded before, or a new one, or that of any that is gone. RUNTIMES: there is none. */
static uint32_t place_for(const struct python_runtime *python)
{
    uint32_t gone = RUNTIMES;
    for (uint32_t i = 0; i < recording.runtime_count; i++) {
        if (recording.runtimes[i].used)
            continue;
        if (strcmp(recording.runtimes[i].path, python->image.path) == 0)
            return i;
        gone = i;
    }
    return recording.runtime_count < RUNTIMES ? recording.runtime_count : gone;
}

struct traced_runtime *recording_add_runtime(const struct python_runtime *python, uint32_t found)
{
    uint32_t number = place_for(python);
    if (number == RUNTIMES)
        return NULL;
    struct traced_runtime *runtime = &recording.runtimes[number];
    *runtime = (struct traced_runtime){
        .python = *python,
        .used = true,
        .found = found,
        .was_initialized = python->is_initialized && python->is_initialized(),
        .hooked_ns = os_monotonic_ns(),
    };
    snprintf(runtime->path, sizeof runtime->path, "%s", python->image.path);
    if (!python->layout) {
        runtime->stacks = ALLOCTRACE_STACKS_OFF;
        memcpy(runtime->stacks_reason, python->no_stacks_reason, sizeof runtime->stacks_reason);
    }
    if (number == recording.runtime_count)
        recording.runtime_count++;
    return runtime;
}

bool recording_ensure_session(void)
{
    if (recording.off)
        return false;
    if (recording.fork_local->owned)
        return true;
    if (session.header) { /* inherited by fork */
        fork_leave_parent(session.header);
        session_abandon();
        intern_reset();
        code_cache_reset();
        for (uint32_t i = 0; i < recording.runtime_count; i++)
            recording.runtimes[i].seen_finalizing = 0;
        if (!recording.options.children) {
            switch_off();
            return false;
        }
    }
    const char *reason;
    if (!session_open(&recording.options, &reason)) {
        os_message("nothing is recorded: %s: %s", session.file.path, reason);
        switch_off();
        return false;
    }
    for (uint32_t i = 0; i < recording.runtime_count; i++)
        tell_runtime(&recording.runtimes[i]);
    recording.fork_local->owned = true;
    collector_ensure(&recording.options);
    if (recording.options.crash)
        crash_arm();
    return true;
}

void recording_set_stacks(struct traced_runtime *runtime, bool on, const char *reason)
{
    runtime->stacks = on ? ALLOCTRACE_STACKS_ON : ALLOCTRACE_STACKS_OFF;
    snprintf(runtime->stacks_reason, sizeof runtime->stacks_reason, "%s", reason ? reason : "");
    recording_tell_runtime(runtime);
}

bool recording_stop(bool wait)
{
    switch_off();
    if (!thread_stop_all())
        return false;
    bool is_quiet = thread_all_are_quiet();
    if (recording.fork_local->owned) {
        SHARED_STORE(session.header->ended_mono_ns, os_monotonic_ns());
        SHARED_STORE(session.header->phase, (uint32_t)ALLOCTRACE_PHASE_STOPPED);
        if (wait)
            collector_await(&recording.options);
    }
    return is_quiet;
}

void recording_release(void)
{
    recording_lock();
    forget_tables();
    session_abandon();
    sampling_begin(0);
    recording_unlock();
}

void recording_end(void)
{
    /* A child made by vfork runs in its parent's memory until it executes something, or exits. */
    bool is_ours = recording.fork_local && recording.fork_local->owned && session.header->pid == os_process_id();
    if (!is_ours || SHARED_LOAD(session.header->phase) == ALLOCTRACE_PHASE_STOPPED)
        return;
    SHARED_STORE(session.header->ended_mono_ns, os_monotonic_ns());
    SHARED_STORE(session.header->phase, (uint32_t)ALLOCTRACE_PHASE_ENDED);
    collector_await(&recording.options);
}

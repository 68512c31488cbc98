#include "capture/recording.h"

#include <stdio.h>
#include <string.h>

#include "session/session.h"

struct recording recording;

/* Under the lock, with a session. */
static void tell_runtime(struct traced_runtime *runtime)
{
    alloctrace_assert(recording_is_locked() && session.header);
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

void recording_tell_all_runtimes(void)
{
    alloctrace_assert(recording_is_locked());
    for (uint32_t i = 0; i < recording.runtime_count; i++)
        tell_runtime(&recording.runtimes[i]);
}

void recording_set_stacks(struct traced_runtime *runtime, bool on, const char *reason)
{
    runtime->stacks = on ? ALLOCTRACE_STACKS_ON : ALLOCTRACE_STACKS_OFF;
    snprintf(runtime->stacks_reason, sizeof runtime->stacks_reason, "%s", reason ? reason : "");
    recording_tell_runtime(runtime);
}

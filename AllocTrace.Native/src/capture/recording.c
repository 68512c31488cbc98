#include "capture/recording.h"

#include <string.h>

#include "capture/code_cache.h"
#include "capture/intern.h"
#include "session/fork.h"
#include "session/session.h"

struct recording recording;

bool recording_arm(const struct options *options, const struct python_runtime *python)
{
    recording.options = *options;
    recording.python = *python;
    if (!python->layout) {
        recording.stacks = ALLOCTRACE_STACKS_OFF;
        recording.stacks_reason = python->no_stacks_reason;
    }
    recording.fork_local = os_map_wiped(sizeof *recording.fork_local);
    if (!recording.fork_local) {
        os_message("cannot record: no memory that fork leaves alone (Linux 4.14 or later is needed)");
        return false;
    }
    fork_watch();
    return true;
}

static void switch_off(void)
{
    __atomic_store_n(&recording.off, true, __ATOMIC_RELAXED);
}

static void tell_stacks(void)
{
    if (recording.stacks_reason)
        session.header->stacks_reason = session_string(recording.stacks_reason, strlen(recording.stacks_reason));
    SHARED_STORE(session.header->stacks, recording.stacks);
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
        recording.finalization_marked = false;
        recording.on_new_code = NULL; /* another thread of the parent may have been inside the loader */
        if (!recording.options.children) {
            switch_off();
            return false;
        }
    }
    const char *reason;
    if (!session_open(&recording.options, &recording.python, &reason)) {
        os_message("nothing is recorded: %s: %s", session.file.path, reason);
        switch_off();
        return false;
    }
    tell_stacks();
    recording.fork_local->owned = true;
    return true;
}

void recording_set_stacks(bool on, const char *reason)
{
    recording.stacks = on ? ALLOCTRACE_STACKS_ON : ALLOCTRACE_STACKS_OFF;
    recording.stacks_reason = reason;
    tell_stacks();
}

void recording_end(void)
{
    /* A child made by vfork runs in its parent's memory until it executes something, or exits. */
    if (!recording.fork_local || !recording.fork_local->owned || session.header->pid != os_process_id())
        return;
    SHARED_STORE(session.header->ended_mono_ns, os_monotonic_ns());
    SHARED_STORE(session.header->phase, (uint32_t)ALLOCTRACE_PHASE_ENDED);
}

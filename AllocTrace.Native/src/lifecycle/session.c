/* The session of this process: made at the first allocation, or at the first one of a forked child. */
#include "capture/fork.h"
#include "capture/heap_copy.h"
#include "capture/native/native.h"
#include "crash/crash.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/tables.h"
#include "session/collector.h"

static void switch_off(void)
{
    __atomic_store_n(&recording.off, true, __ATOMIC_RELAXED);
}

/* In a forked child: the session is its parent's. */
static void leave_parent(void)
{
    fork_leave_parent(session.header);
    session_abandon();
    forget_tables();
    for (uint32_t i = 0; i < recording.runtime_count; i++)
        recording.runtimes[i].seen_finalizing = 0;
}

bool lifecycle_make_session(void)
{
    if (recording.off)
        return false;
    if (recording.fork_local->owned)
        return true;
    if (session.header) {
        leave_parent();
        if (!recording.options.children) {
            switch_off();
            return false;
        }
    }
    bool is_child = session.header;
    const char *reason;
    struct session_origin origin = fork_take_origin();
    if (!session_open(&recording.options, &origin, &reason)) {
        os_message("nothing is recorded: %s: %s", session.file.path, reason);
        switch_off();
        return false;
    }
    recording_tell_all_runtimes();
    recording.fork_local->owned = true;
    native_tell_session();
    if (!is_child)
        heap_copy_find_earlier();
    collector_ensure(&recording.options);
    if (recording.options.crash)
        crash_arm();
    return true;
}

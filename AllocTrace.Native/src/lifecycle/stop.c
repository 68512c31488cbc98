/* The recording stops while its process continues, or ends with it. */
#include "capture/sampling.h"
#include "capture/thread.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/tables.h"
#include "session/collector.h"

bool lifecycle_stop(bool wait)
{
    __atomic_store_n(&recording.off, true, __ATOMIC_RELAXED);
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

void lifecycle_release(void)
{
    recording_lock();
    forget_tables();
    session_abandon();
    sampling_begin(0);
    recording_unlock();
}

void lifecycle_end(void)
{
    /* A child made by vfork runs in its parent's memory until it executes something, or exits. */
    bool is_ours = recording.fork_local && recording.fork_local->owned && session.header->pid == os_process_id();
    if (!is_ours || SHARED_LOAD(session.header->phase) == ALLOCTRACE_PHASE_STOPPED)
        return;
    SHARED_STORE(session.header->ended_mono_ns, os_monotonic_ns());
    SHARED_STORE(session.header->phase, (uint32_t)ALLOCTRACE_PHASE_ENDED);
    collector_await(&recording.options);
}

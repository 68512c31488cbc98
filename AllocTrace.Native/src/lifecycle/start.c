/* The recording is armed, and armed again. */
#include "capture/fork.h"
#include "capture/c_stacks/c_stack.h"
#include "capture/native/native.h"
#include "capture/sampling.h"
#include "crash/c_frames.h"
#include "crash/crash.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/tables.h"
#include "platform/signals.h"
#include "session/collector.h"
#include "session/session.h"

/* Sets the requested options as far as this machine supports them. */
static void set_options(const struct options *options)
{
    recording.options = *options;
    if (options->native == ALLOCTRACE_NATIVE_STACKS && !c_stack_begin()) {
        os_message("C stacks are recorded on x86-64 only: native=malloc is used instead of native=stacks");
        recording.options.native = ALLOCTRACE_NATIVE_MALLOC;
    }
    if (options->crash)
        crash_c_frames_begin();
}

bool lifecycle_arm(const struct options *options)
{
    if (recording.fork_local) { /* one was stopped */
        if (session.header)
            session_forget();
        forget_tables();
        set_options(options);
        sampling_begin(options->sample_bytes);
        native_begin(recording.options.native);
        if (options->starts_collector)
            collector_find_command();
        return true;
    }
    set_options(options);
    recording.calls = (struct recording_calls){.make_session = lifecycle_make_session,
                                               .thread_begins = signal_stack_begin,
                                               .thread_ends = signal_stack_end,
                                               .thread_is_gone = signal_stack_release};
    recording.fork_local = os_map_wiped(sizeof *recording.fork_local);
    if (!recording.fork_local) {
        recording.is_refused = true;
        return false;
    }
    recording.fork_local->loader_is_free = true;
    sampling_begin(options->sample_bytes);
    native_begin(recording.options.native);
    if (options->starts_collector)
        collector_find_command();
    fork_watch();
    return true;
}

void lifecycle_tell_refusal(void)
{
    static bool told;
    if (recording.is_refused && !__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
        os_message("cannot record: the system refused madvise(MADV_WIPEONFORK), which needs Linux 4.14 and a sandbox that allows it");
}

void lifecycle_resume(void)
{
    __atomic_store_n(&recording.off, false, __ATOMIC_RELEASE);
}

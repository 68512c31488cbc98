/* The report of a fatal signal, which one thread writes. */
#include "crash/crash.h"

#include "capture/recording.h"
#include "crash/c_frames.h"
#include "crash/report.h"
#include "platform/signals.h"
#include "session/session.h"

static uint32_t owner; /* the thread that writes, or has written, the report */

/* The report's place in the session of this process, if there is one. */
static struct alloctrace_crash *place(void)
{
    bool is_ours = recording.fork_local && recording.fork_local->owned && session.header && session.header->pid == os_process_id();
    return is_ours ? (struct alloctrace_crash *)session.extent[ALLOCTRACE_EXTENT_CRASH][0] : NULL;
}

static void report(struct alloctrace_crash *crash, const struct fatal_signal *signal, uint32_t os_id)
{
    crash->signal = (uint32_t)signal->number;
    crash->code = signal->code;
    crash->os_id = os_id;
    crash->at_ns = os_monotonic_ns();
    if (signal->is_sent)
        crash->sender_pid = signal->sender;
    else
        crash->address = signal->address;
    SHARED_STORE(crash->state, (uint32_t)ALLOCTRACE_CRASH_WRITING);
    report_allocations(crash);
    report_threads(crash, os_id);
    report_c_stack(crash, signal->context);
    SHARED_STORE(crash->state, (uint32_t)ALLOCTRACE_CRASH_WRITTEN);
}

/* Another thread writes: the process must not end before it is done. */
static void await_report(const struct alloctrace_crash *crash)
{
    enum { TRIES = 5000, WAIT_NS = 1000000 };
    for (int i = 0; i < TRIES && SHARED_LOAD(crash->state) != ALLOCTRACE_CRASH_WRITTEN; i++)
        os_sleep_ns(WAIT_NS);
}

static void on_signal(const struct fatal_signal *signal)
{
    struct alloctrace_crash *crash = place();
    if (!crash)
        return;
    uint32_t os_id = os_thread_id(), nobody = 0;
    if (__atomic_compare_exchange_n(&owner, &nobody, os_id, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        report(crash, signal, os_id);
    else if (nobody == os_id && SHARED_LOAD(crash->state) == ALLOCTRACE_CRASH_WRITING)
        report_fault(crash, signal->number);
    else
        await_report(crash);
}

void crash_arm(void)
{
    static bool is_armed; /* also before a fork */
    owner = 0;
    if (is_armed)
        return;
    is_armed = true;
    fatal_signals_catch(on_signal);
}

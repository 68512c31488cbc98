/* The handler of fatal signals, and whose turn it is after it. */
#define _GNU_SOURCE
#include "crash/crash.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/recording.h"
#include "crash/c_frames.h"
#include "crash/report.h"
#include "session/session.h"

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { SIGNALS = sizeof signals / sizeof *signals };

static struct sigaction before[SIGNALS];
static bool is_armed;
static uint32_t owner; /* the thread that writes, or has written, the report */

static struct sigaction *before_of(int signal)
{
    for (int i = 0; i < SIGNALS; i++)
        if (signals[i] == signal)
            return &before[i];
    return NULL;
}

static bool was_sent(const siginfo_t *info)
{
    return info->si_code <= 0;
}

/* The report's place in the session of this process, if there is one. */
static struct alloctrace_crash *place(void)
{
    bool is_ours = recording.fork_local && recording.fork_local->owned && session.header && session.header->pid == os_process_id();
    return is_ours ? (struct alloctrace_crash *)session.extent[ALLOCTRACE_EXTENT_CRASH][0] : NULL;
}

static void report(struct alloctrace_crash *crash, int signal, const siginfo_t *info, const void *context, uint32_t os_id)
{
    crash->signal = (uint32_t)signal;
    crash->code = info->si_code;
    crash->os_id = os_id;
    crash->at_ns = os_monotonic_ns();
    if (was_sent(info))
        crash->sender_pid = info->si_code == SI_USER || info->si_code == SI_TKILL || info->si_code == SI_QUEUE ? (uint32_t)info->si_pid : 0;
    else
        crash->address = (uint64_t)(uintptr_t)info->si_addr;
    SHARED_STORE(crash->state, (uint32_t)ALLOCTRACE_CRASH_WRITING);
    report_allocations(crash);
    report_threads(crash, os_id);
    report_c_stack(crash, context);
    SHARED_STORE(crash->state, (uint32_t)ALLOCTRACE_CRASH_WRITTEN);
}

/* Another thread writes: the process must not end before it is done. */
static void await_report(const struct alloctrace_crash *crash)
{
    enum { TRIES = 5000, WAIT_NS = 1000000 };
    for (int i = 0; i < TRIES && SHARED_LOAD(crash->state) != ALLOCTRACE_CRASH_WRITTEN; i++)
        os_sleep_ns(WAIT_NS);
}

/* Restores the earlier handler. A fault happens again when this returns; a signal that was sent is sent again, unchanged. */
static void pass_on(int signal, siginfo_t *info)
{
    sigaction(signal, before_of(signal), NULL);
    if (!was_sent(info))
        return;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    syscall(SYS_rt_tgsigqueueinfo, getpid(), os_thread_id(), signal, info);
    sigprocmask(SIG_UNBLOCK, &one, NULL); /* here and now, as raise() expects of those who chain their handlers */
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    int saved = errno;
    struct alloctrace_crash *crash = place();
    bool is_ignored = was_sent(info) && before_of(signal)->sa_handler == SIG_IGN;
    if (is_ignored) {
        errno = saved;
        return;
    }
    if (crash) {
        uint32_t os_id = os_thread_id(), nobody = 0;
        if (__atomic_compare_exchange_n(&owner, &nobody, os_id, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            report(crash, signal, info, context, os_id);
        else if (nobody == os_id && SHARED_LOAD(crash->state) == ALLOCTRACE_CRASH_WRITING)
            report_fault(crash, signal);
        else
            await_report(crash);
    }
    pass_on(signal, info);
    errno = saved;
}

void crash_arm(void)
{
    owner = 0;
    if (is_armed) /* before a fork */
        return;
    is_armed = true;
    crash_c_frames_begin();
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &action, &before[i]);
}

/* ---- stacks for the handler ---- */

enum { STACK_BYTES = 128 << 10 };

static _Thread_local void *own_stack __attribute__((tls_model("initial-exec")));

void *crash_thread_begins(void)
{
    stack_t present;
    if (own_stack || sigaltstack(NULL, &present) != 0 || !(present.ss_flags & SS_DISABLE))
        return own_stack;
    void *memory = os_map(STACK_BYTES);
    stack_t ours = {.ss_sp = memory, .ss_size = STACK_BYTES};
    if (memory && sigaltstack(&ours, NULL) == 0)
        own_stack = memory;
    else if (memory)
        os_unmap(memory, STACK_BYTES);
    return own_stack;
}

void crash_release_stack(void *stack)
{
    if (stack)
        os_unmap(stack, STACK_BYTES);
}

void crash_thread_ends(void)
{
    stack_t present;
    if (!own_stack || sigaltstack(NULL, &present) != 0)
        return;
    bool is_in_use = present.ss_sp == own_stack;
    if (is_in_use) {
        stack_t none = {.ss_flags = SS_DISABLE};
        if (sigaltstack(&none, NULL) != 0)
            return; /* the thread runs on it */
    }
    os_unmap(own_stack, STACK_BYTES);
    own_stack = NULL;
}

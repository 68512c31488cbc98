/* The handler of fatal signals, and whose turn it is after it. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/os.h"
#include "platform/signals.h"

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { SIGNALS = sizeof signals / sizeof *signals };

static struct sigaction before[SIGNALS];
static void (*handle)(const struct fatal_signal *signal);

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

static struct fatal_signal describe(int signal, const siginfo_t *info, const void *context)
{
    struct fatal_signal described = {.number = signal, .code = info->si_code, .is_sent = was_sent(info), .context = context};
    if (!described.is_sent)
        described.address = (uint64_t)(uintptr_t)info->si_addr;
    else if (info->si_code == SI_USER || info->si_code == SI_TKILL || info->si_code == SI_QUEUE)
        described.sender = (uint32_t)info->si_pid;
    return described;
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
    bool is_ignored = was_sent(info) && before_of(signal)->sa_handler == SIG_IGN;
    if (!is_ignored) {
        struct fatal_signal described = describe(signal, info, context);
        handle(&described);
        pass_on(signal, info);
    }
    errno = saved;
}

void fatal_signals_catch(void (*on_fatal_signal)(const struct fatal_signal *signal))
{
    handle = on_fatal_signal;
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &action, &before[i]);
}

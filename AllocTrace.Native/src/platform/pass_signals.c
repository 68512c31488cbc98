#define _GNU_SOURCE
#include "platform/pass_signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

static const int passed[] = {SIGHUP,   SIGINT,  SIGQUIT,   SIGTERM, SIGUSR1, SIGUSR2, SIGCONT,
                             SIGWINCH, SIGALRM, SIGVTALRM, SIGPROF, SIGIO,   SIGPWR};

static _Atomic int receiver;
static _Atomic uint64_t kept; /* bit n: signal n came before there was a child */

static void send(int child, int signal)
{
    if (child > 0)
        kill(child, signal);
    else if (child == 0)
        atomic_fetch_or(&kept, UINT64_C(1) << signal);
}

/* Returns true if the child does not get the signal from the system: a process sent it to this one, or the terminal hung up, for which the
 * kernel signals only the leader of its session. */
static bool is_for_child(int signal, const siginfo_t *info)
{
    return info->si_code <= 0 || (signal == SIGHUP && getsid(0) == getpid());
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    if (is_for_child(signal, info))
        send(atomic_load(&receiver), signal);
    errno = saved;
}

static void take_over(int signal)
{
    struct sigaction present, ours = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigfillset(&ours.sa_mask);
    bool is_ignored = sigaction(signal, NULL, &present) != 0 || (!(present.sa_flags & SA_SIGINFO) && present.sa_handler == SIG_IGN);
    if (!is_ignored)
        sigaction(signal, &ours, NULL);
}

void alloctrace_pass_signals(int child)
{
    static bool is_ours;
    atomic_store(&receiver, child);
    for (unsigned i = 0; !is_ours && i < sizeof passed / sizeof *passed; i++)
        take_over(passed[i]);
    is_ours = true;
    uint64_t waiting = child > 0 ? atomic_exchange(&kept, 0) : 0;
    for (int signal = 1; waiting >> signal && signal < 64; signal++)
        if (waiting >> signal & 1)
            kill(child, signal);
}

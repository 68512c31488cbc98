#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/orphan.h"
#include "platform/os.h"

#ifndef SYS_close_range /* Linux 5.9 */
#define SYS_close_range 436
#endif

enum { STACK_BYTES = 128 << 10, KEPT_DESCRIPTOR = 3 };

struct start {
    const struct orphan *orphan;
    int error;                     /* errno of what failed on the way, in whichever process: they share their memory */
    uint8_t stack[2][STACK_BYTES]; /* of the two processes on the way; they run in this one's memory, one after the other */
};

/* Without a parent that waits for it, without handlers and masks, with nothing open but the descriptor. */
static int become_orphan(void *argument)
{
    struct start *start = argument;
    const struct orphan *orphan = start->orphan;
    setsid();
    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction action = {.sa_handler = SIG_DFL};
        sigaction(signal, &action, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null = os_open("/dev/null", O_RDWR), kept = fcntl(orphan->descriptor, F_DUPFD, 64);
    for (int i = 0; i < KEPT_DESCRIPTOR; i++)
        dup2(null, i);
    dup2(kept, KEPT_DESCRIPTOR);
    syscall(SYS_close_range, KEPT_DESCRIPTOR + 1, ~0u, 0); /* Linux 5.9; before, what is open stays open there */
    if (chdir("/") == 0)
        for (const char *const *program = orphan->programs; *program; program++) {
            orphan->arguments[0] = (char *)*program;
            execve(*program, orphan->arguments, orphan->variables);
        }
    start->error = errno;
    syscall(SYS_exit_group, 127);
    return 127;
}

/* clone and not fork: no handlers of the host's run, no memory is copied, and with no exit signal the host does not hear of it. */
static bool spawn(int (*function)(void *), uint8_t stack[STACK_BYTES], struct start *start, int *pid)
{
    *pid = clone(function, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK, start);
    if (*pid < 0)
        start->error = errno;
    return *pid > 0;
}

static int leave_child_behind(void *argument)
{
    struct start *start = argument;
    int pid;
    spawn(become_orphan, start->stack[1], start, &pid);
    syscall(SYS_exit_group, 0);
    return 0;
}

int os_start_orphan(const struct orphan *orphan)
{
    int saved = errno, pid;
    struct start *start = os_map(sizeof *start);
    if (!start)
        return ENOMEM;
    start->orphan = orphan;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (spawn(leave_child_behind, start->stack[0], start, &pid))
        while (syscall(SYS_wait4, pid, NULL, __WCLONE, NULL) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    int error = start->error;
    os_unmap(start, sizeof *start);
    errno = saved;
    return error;
}

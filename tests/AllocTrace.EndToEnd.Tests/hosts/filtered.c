/* filtered NAME… -- COMMAND…: runs a command for which the system refuses some calls (seccomp, EPERM). */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name)                                                                                                                         \
    {                                                                                                                                      \
#name, SYS_##name                                                                                                                  \
    }

static const struct {
    const char *name;
    unsigned number;
} calls[] = {CALL(clock_nanosleep), CALL(clone),          CALL(fallocate), CALL(fcntl),       CALL(flock),       CALL(getcwd),
             CALL(getrandom),       CALL(gettid),         CALL(kill),      CALL(madvise),     CALL(membarrier),  CALL(mprotect),
             CALL(prctl),           CALL(prlimit64),      CALL(pread64),   CALL(sched_yield), CALL(sigaltstack), CALL(process_vm_readv),
             CALL(rt_sigpending),   CALL(rt_sigprocmask), CALL(tgkill),    CALL(unlink),      CALL(wait4)};

enum { CALLS = sizeof calls / sizeof *calls };

static int add(struct sock_filter *filter, int length, const char *name)
{
    for (int i = 0; i < CALLS; i++)
        if (strcmp(calls[i].name, name) == 0) {
            filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
            filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
        }
    return length;
}

int main(int count, char **arguments)
{
    struct sock_filter filter[2 * CALLS + 2] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    int length = 1, i = 1;
    for (; i < count && strcmp(arguments[i], "--") != 0 && length < 2 * CALLS; i++)
        length = add(filter, length, arguments[i]);
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)length, filter};
    if (i + 1 >= count || length != 2 * i || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        fprintf(stderr, "filtered: cannot refuse these calls\n");
        return 99;
    }
    execvp(arguments[i + 1], arguments + i + 1);
    return 98;
}

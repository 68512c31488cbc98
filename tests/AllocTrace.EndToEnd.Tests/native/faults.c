/* Injects faults of the system, for programs that have this preloaded. FAULTS is a list of:
 *
 *   clock      CLOCK_REALTIME goes back by an hour each time somebody asks
 *   interrupt  the first three of each four calls that reserve space in a file are interrupted by a signal
 *   connect    reports each connection over the network on the error output */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int wanted(const char *fault)
{
    const char *faults = getenv("FAULTS");
    return faults && strstr(faults, fault) != NULL;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static long hours;
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME && wanted("clock"))
        now->tv_sec -= 3600 * __atomic_add_fetch(&hours, 1, __ATOMIC_RELAXED);
    return result;
}

int posix_fallocate(int file, off_t offset, off_t length)
{
    static unsigned calls;
    if (wanted("interrupt") && __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) % 4 != 3)
        return EINTR;
    return syscall(SYS_fallocate, file, 0, offset, length) == 0 ? 0 : errno;
}

int connect(int socket, const struct sockaddr *address, socklen_t length)
{
    static const char line[] = "faults: connects\n";
    if (wanted("connect") && address->sa_family != AF_UNIX && write(STDERR_FILENO, line, sizeof line - 1) < 0)
        abort();
    return (int)syscall(SYS_connect, socket, address, length);
}

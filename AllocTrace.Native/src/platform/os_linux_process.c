/* Clocks, processes and threads. */
#define _GNU_SOURCE
#include "platform/os.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t os_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t os_realtime_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

uint32_t os_process_id(void)
{
    return (uint32_t)getpid();
}

uint32_t os_parent_process_id(void)
{
    return (uint32_t)getppid();
}

uint32_t os_thread_id(void)
{
    return (uint32_t)syscall(SYS_gettid);
}

void os_thread_name(char name[16])
{
    int saved = errno;
    if (prctl(PR_GET_NAME, name, 0, 0, 0) != 0)
        name[0] = '\0';
    errno = saved;
}

/* Not strtoull: built with a newer glibc it becomes a function that other C libraries do not have. */
static uint64_t decimal(const char *text)
{
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return number;
}

/* A field of proc_pid_stat(5), numbered from 1; 0: not known. The second, the name in parentheses, may hold anything: count from its end.
 */
static uint64_t field_of_process(int number)
{
    char text[1024];
    size_t length = os_read_file("/proc/self/stat", text, sizeof text - 1);
    text[length] = '\0';
    const char *field = strrchr(text, ')');
    for (int i = 2; field && i < number; i++)
        field = strchr(field + 1, ' ');
    return field ? decimal(field + 1) : 0;
}

uint64_t os_process_started(void)
{
    return field_of_process(22);
}

bool os_is_single_threaded(void)
{
    return field_of_process(20) == 1;
}

uint64_t os_namespace(const char *kind)
{
    /* The link reads kind:[number], as namespaces(7) says. */
    char path[64], text[64];
    int saved = errno;
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    ssize_t length = readlink(path, text, sizeof text - 1);
    text[length < 0 ? 0 : length] = '\0';
    const char *number = strchr(text, '[');
    uint64_t result = number ? decimal(number + 1) : 0;
    errno = saved;
    return result;
}

size_t os_executable(char *buffer, size_t size)
{
    int saved = errno;
    ssize_t length = readlink("/proc/self/exe", buffer, size - 1);
    errno = saved;
    buffer[length < 0 ? 0 : length] = '\0';
    return length < 0 ? 0 : (size_t)length;
}

size_t os_command_line(char *buffer, size_t size)
{
    size_t length = os_read_file("/proc/self/cmdline", buffer, size);
    return length && buffer[length - 1] == '\0' ? length - 1 : length;
}

bool os_process_is_gone(uint32_t process)
{
    int saved = errno;
    bool is_gone = kill((pid_t)process, 0) != 0 && errno == ESRCH;
    errno = saved;
    return is_gone;
}

void os_exit(int status)
{
    for (;;)
        syscall(SYS_exit_group, status);
}

bool os_thread_is_gone(uint32_t process, uint32_t thread)
{
    int saved = errno;
    bool is_gone = syscall(SYS_tgkill, process, thread, 0) != 0 && errno == ESRCH;
    errno = saved;
    return is_gone;
}

static size_t read_of_thread(uint32_t thread, const char *name, char *buffer, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%u/%s", thread, name);
    size_t length = os_read_file(path, buffer, size - 1);
    buffer[length] = '\0';
    return length;
}

enum os_thread_activity os_thread_activity(uint32_t thread, uint64_t *ran_ns)
{
    char text[1024];
    *ran_ns = 0;
    read_of_thread(thread, "stat", text, sizeof text);
    const char *end_of_name = strrchr(text, ')');
    if (!end_of_name)
        return os_thread_is_gone(os_process_id(), thread) ? OS_THREAD_WAITS : OS_THREAD_UNKNOWN;
    switch (end_of_name[2]) {
    case 'S':
    case 'Z':
    case 'X':
        return OS_THREAD_WAITS;
    case 'R':
        if (!read_of_thread(thread, "schedstat", text, sizeof text))
            return OS_THREAD_UNKNOWN;
        *ran_ns = decimal(text);
        return OS_THREAD_RUNS;
    default:
        return OS_THREAD_UNKNOWN;
    }
}

bool os_barrier_all(void)
{
    enum { PRIVATE_EXPEDITED = 1 << 3, REGISTER_PRIVATE_EXPEDITED = 1 << 4 }; /* membarrier(2), Linux 4.14 */
    int saved = errno;
    bool done = syscall(SYS_membarrier, REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 && syscall(SYS_membarrier, PRIVATE_EXPEDITED, 0, 0) == 0;
    errno = saved;
    return done;
}

void os_random(void *buffer, size_t size)
{
    int saved = errno;
    if (syscall(SYS_getrandom, buffer, size, GRND_NONBLOCK) != (long)size) { /* early boot only: the clock is good enough for a name */
        uint64_t now = os_monotonic_ns();
        for (size_t i = 0; i < size; i++)
            ((uint8_t *)buffer)[i] = (uint8_t)(now >> (8 * (i % 8)));
    }
    errno = saved;
}

void os_yield(void)
{
    int saved = errno;
    sched_yield();
    errno = saved;
}

void os_sleep_ns(uint64_t duration)
{
    int saved = errno;
    struct timespec time = {.tv_sec = (time_t)(duration / 1000000000u), .tv_nsec = (long)(duration % 1000000000u)};
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, NULL);
    errno = saved;
}

size_t os_page_size(void)
{
    return (size_t)getauxval(AT_PAGESZ);
}

bool os_is_privileged(void)
{
    return getauxval(AT_SECURE) != 0;
}

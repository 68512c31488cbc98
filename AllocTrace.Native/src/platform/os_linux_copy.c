/* A copy of this process that another one reads. */
#define _GNU_SOURCE
#include "platform/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "platform/compiler.h"

#ifndef SYS_close_range /* Linux 5.9 */
#define SYS_close_range 436
#endif
#ifndef PR_SET_PTRACER /* Yama, linux/security/yama */
#define PR_SET_PTRACER 0x59616d61
#endif

#define COPY_NAME "alloctrace-copy" /* the longest that a process may have */

enum { CLOSE_RANGE_OWN_TABLE = 2 /* CLOSE_RANGE_UNSHARE */, SIGNAL_SET_BYTES = 8, LOOK_NS = 10000000 };

static void write_own_file(const char *path, const char *text, size_t length)
{
    int descriptor = os_open(path, O_WRONLY);
    if (descriptor >= 0) {
        syscall(SYS_write, descriptor, text, length);
        os_close(descriptor);
    }
}

/* A system call, although the C library has a faster way: nothing of its state is used here. */
static uint64_t now_ns(void)
{
    struct timespec now = {0, 0};
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* The last signs of life that a copy has seen of its reader. */
struct pulse {
    uint64_t beat, changed_ns;
    uint32_t reader;
};

/* Returns true if the reader is there, or may come. A slow reader counts as there; one in another pid namespace cannot be seen. Names a
 * reader that came as the tracer to Yama, which lets it in. */
static bool is_awaited(struct pulse *pulse, const struct os_copy_terms *terms, uint64_t now)
{
    uint64_t beat = __atomic_load_n(terms->beat, __ATOMIC_RELAXED);
    uint32_t reader = __atomic_load_n(terms->reader, __ATOMIC_RELAXED);
    if (reader != pulse->reader)
        syscall(SYS_prctl, PR_SET_PTRACER, (unsigned long)reader, 0, 0, 0);
    if (beat != pulse->beat || reader != pulse->reader)
        *pulse = (struct pulse){beat, now, reader};
    return now - pulse->changed_ns < OS_COPY_TIMEOUT_NS || (reader && syscall(SYS_kill, reader, 0) == 0);
}

/* Runs in the copy: system calls by number, nothing of the program or of the C library's state.
 *
 * The files come first. The copy shares the table of files with the process, or a pipe that the program closes would stay open in the copy.
 * A shared table would keep all files open when the program ends or executes another program while the copy lives; so the copy leaves it at
 * once for an empty table of its own. A kernel without that call has the copy end with its process instead. */
static __attribute__((noreturn)) void live_as_copy(const struct os_copy_terms *terms, uint32_t parent)
{
    bool has_own_files = syscall(SYS_close_range, 0u, ~0u, CLOSE_RANGE_OWN_TABLE) == 0;
    syscall(SYS_prctl, PR_SET_NAME, COPY_NAME, 0, 0, 0);
    if (has_own_files)
        write_own_file("/proc/self/oom_score_adj", "1000", 4); /* if memory gets short, the copy goes first */
    const struct timespec look = {0, LOOK_NS};
    uint64_t begin = now_ns(), now = begin;
    struct pulse pulse = {0, begin, 0};
    while (now - begin < OS_COPY_LIFE_NS && !__atomic_load_n(terms->ends, __ATOMIC_ACQUIRE) && is_awaited(&pulse, terms, now)
           && (has_own_files || syscall(SYS_getppid) == (long)parent)) {
        syscall(SYS_nanosleep, &look, NULL);
        now = now_ns();
    }
    terms->last();
    for (;;)
        syscall(SYS_exit_group, 0);
}

/* A raw clone runs no pthread_atfork handler and takes none of the C library's locks. Without an exit signal the program's own waits do not
 * see the copy (wait(2), __WCLONE). The copy keeps the mask in which every signal is blocked: no handler of the program can run there. */
int32_t os_copy_process(const struct os_copy_terms *terms)
{
    int saved = errno;
    uint64_t all = ~UINT64_C(0), before;
    uint32_t parent = os_process_id();
    if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, SIGNAL_SET_BYTES) != 0) {
        int error = errno;
        errno = saved;
        return -error;
    }
    long pid = syscall(SYS_clone, CLONE_FILES, NULL, NULL, NULL, NULL);
    if (pid == 0)
        live_as_copy(terms, parent);
    int error = errno;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGNAL_SET_BYTES);
    errno = saved;
    return pid < 0 ? -error : (int32_t)pid;
}

bool os_copy_is_reaped(int32_t pid)
{
    int saved = errno;
    long result = syscall(SYS_wait4, pid, NULL, WNOHANG | __WCLONE, NULL); /* never a child of the program's: those have an exit signal */
    bool is_reaped = result == pid || (result < 0 && errno == ECHILD);     /* ECHILD: somebody waited with __WALL */
    errno = saved;
    return is_reaped;
}

static bool is_copy(int32_t pid)
{
    char path[32], name[sizeof COPY_NAME];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    return os_read_file(path, name, sizeof name) == sizeof name && memcmp(name, COPY_NAME "\n", sizeof name) == 0;
}

/* After an exec, all children are those of the thread that is left (proc_pid_children(5)). */
int32_t os_find_copy(void)
{
    char path[64], children[1024];
    snprintf(path, sizeof path, "/proc/self/task/%u/children", os_process_id());
    size_t length = os_read_file(path, children, sizeof children - 1);
    children[length] = '\0';
    for (const char *at = children; *at >= '0' && *at <= '9';) {
        int32_t pid = 0;
        for (; *at >= '0' && *at <= '9'; at++)
            pid = pid * 10 + (*at - '0');
        if (is_copy(pid))
            return pid;
        at += *at == ' ';
    }
    return 0;
}

/* ---- memory ---- */

static uint64_t number_after(const char *text, const char *label)
{
    const char *at = strstr(text, label);
    uint64_t number = 0;
    if (!at)
        return UINT64_MAX;
    for (at += strlen(label); *at == ' '; at++)
        ;
    if (*at < '0' || *at > '9')
        return UINT64_MAX; /* "max" */
    for (; *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

static uint64_t number_in(const char *path, const char *label, char *text, size_t size)
{
    size_t length = os_read_file(path, text, size - 1);
    text[length] = '\0';
    return length ? number_after(text, label) : UINT64_MAX;
}

/* Returns the number of bytes that the process's own cgroup (version 2) still allows; those above it are not read. UINT64_MAX: no limit is
 * known. */
static uint64_t left_in_cgroup(void)
{
    char text[1024], path[1200], number[64];
    size_t length = os_read_file("/proc/self/cgroup", text, sizeof text - 1);
    text[length] = '\0';
    char *group = strstr(text, "0::/");
    if (!group)
        return UINT64_MAX;
    group += strlen("0::");
    group[strcspn(group, "\n")] = '\0';
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
    uint64_t most = number_in(path, "", number, sizeof number);
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.current", group);
    uint64_t now = number_in(path, "", number, sizeof number);
    if (most == UINT64_MAX || now == UINT64_MAX)
        return UINT64_MAX;
    return most > now ? most - now : 0;
}

bool os_memory_allows_copy(void)
{
    char text[2048];
    uint64_t private_kib = number_in("/proc/self/status", "RssAnon:\t", text, sizeof text);
    uint64_t free_kib = number_in("/proc/meminfo", "MemAvailable:", text, sizeof text);
    if (private_kib == UINT64_MAX)
        return true;
    return private_kib / 2 <= free_kib && private_kib * 1024 / 2 <= left_in_cgroup();
}

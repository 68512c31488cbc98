#define _GNU_SOURCE
#include "session/collector.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/image.h"
#include "platform/status.h"
#include "session/session.h"

enum {
    STACK_BYTES = 128 << 10,
    MOST_VARIABLES = 4096,
    LOCK_DESCRIPTOR = 3, /* in the collector */
    MOST_NAMES = 100,    /* trace.db, trace-2.db, … */
    PATH_BYTES = 4096,
    AWAIT_NS = 1000000,  /* one look */
    AWAIT_LOOKS = 10000, /* looks before this process stops waiting */
    LOOKS_BETWEEN_LIVENESS = 50,
};

/* ---- where the command is ---- */

static bool holds_this_function(const struct image *image, void *path)
{
    uintptr_t here = (uintptr_t)collector_ensure;
    if (here < image->begin || here >= image->end)
        return false;
    snprintf(path, PATH_BYTES, "%s", image->path);
    return true;
}

static char command[PATH_BYTES]; /* "": there is none */

static bool find_command(char path[PATH_BYTES])
{
    static const char *const places[] = {"alloctrace", "../../../alloctrace", "../../../AllocTrace.Report",
                                         "../../../AllocTrace.Report.dll"};
    char library[PATH_BYTES] = "";
    image_visit(holds_this_function, library);
    char *name = strrchr(library, '/');
    if (library[0] != '/' || !name)
        return false;
    name[1] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (snprintf(path, PATH_BYTES, "%s%s", library, places[i]) < PATH_BYTES
            && access(path, i + 1 < sizeof places / sizeof *places ? X_OK : R_OK) == 0)
            return true;
    return false;
}

/* Beside the library, or above runtimes/RID/native/, as packages have it. A name that ends in .dll is for the dotnet command. */
void collector_find_command(void)
{
    int saved = errno;
    if (!find_command(command))
        command[0] = '\0';
    errno = saved;
}

/* ---- the lock ---- */

static bool lock_path(char path[PATH_BYTES], const struct options *options)
{
    return snprintf(path, PATH_BYTES, "%s/%slock", options->folder, options->prefix) < PATH_BYTES;
}

static bool is_still_named(int descriptor, const char *path)
{
    struct stat opened, named;
    return os_fstat(descriptor, &opened) == 0 && os_lstat(path, &named) == 0 && opened.st_ino == named.st_ino
           && opened.st_dev == named.st_dev;
}

/* The name can be guessed: where others may write, they may have planted a file. Root's file is accepted too: the host may have dropped
 * privileges since. */
static bool is_planted(const char *path)
{
    struct stat named;
    return os_lstat(path, &named) == 0 && (!S_ISREG(named.st_mode) || (named.st_uid != geteuid() && named.st_uid != 0));
}

/* The descriptor of the locked file, or -1: another has it. A collector removes the file when it ends, perhaps between open and flock. */
static int take_lock(const char *path)
{
    if (is_planted(path)) {
        os_message("%s belongs to another user: sessions are left for 'alloctrace collect'", path);
        return -1;
    }
    for (int tries = 0; tries < 100; tries++) {
        int descriptor = os_open(path, O_RDWR | O_CREAT | O_NOFOLLOW);
        if (descriptor < 0)
            return -1;
        if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            os_close(descriptor);
            return -1;
        }
        if (is_still_named(descriptor, path))
            return descriptor;
        os_close(descriptor);
    }
    return -1;
}

/* ---- the start ---- */

struct start {
    int lock;
    int error; /* errno of what failed on the way, in whichever process: they share their memory */
    char sessions[PATH_BYTES], database[PATH_BYTES], process[16];
    uint8_t stack[2][STACK_BYTES]; /* of the two processes on the way; they run in this one's memory, one after the other */
    char *variables[MOST_VARIABLES + 2];
};

extern char **environ;

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void choose_variables(struct start *start)
{
    size_t count = 0;
    for (char **variable = environ; variable && *variable && count < MOST_VARIABLES; variable++)
        if (!begins(*variable, "LD_PRELOAD=") && !begins(*variable, "ALLOCTRACE") && !begins(*variable, "DOTNET_STARTUP_HOOKS="))
            start->variables[count++] = *variable;
    /* The limits of the host are its, too (ulimit -f, ulimit -v): without this the runtime begins with a file and mappings of gigabytes. */
    start->variables[count++] = "DOTNET_EnableWriteXorExecute=0";
    start->variables[count] = NULL;
}

/* The collector's arguments are text: it would not find a folder or file whose name is none. */
static bool is_utf8(const char *text)
{
    for (const uint8_t *at = (const uint8_t *)text; *at;) {
        unsigned length = *at < 0x80 ? 1 : *at >= 0xC2 && *at < 0xE0 ? 2 : (*at & 0xF0) == 0xE0 ? 3 : *at >= 0xF0 && *at < 0xF5 ? 4 : 0;
        uint32_t character = *at & (0xFFu >> (length + (length > 1)));
        for (unsigned i = 1; i < length; i++) {
            if ((at[i] & 0xC0) != 0x80)
                return false;
            character = character << 6 | (at[i] & 0x3F);
        }
        bool is_too_short_or_none = (length == 3 && (character < 0x800 || character >> 11 == 0x1B))
                                    || (length == 4 && (character < 0x10000 || character > 0x10FFFF)) || length == 0;
        if (is_too_short_or_none)
            return false;
        at += length;
    }
    return true;
}

/* Recordings are not mixed: an existing database is not changed. */
static bool choose_database(struct start *start)
{
    struct stat status;
    if (!is_utf8(start->sessions)) {
        os_message("the name of the database is not UTF-8: sessions are left as %s.*", start->sessions);
        return false;
    }
    if (os_stat(start->sessions, &status) != 0) {
        memcpy(start->database, start->sessions, sizeof start->database);
        return true;
    }
    const char *name = strrchr(start->sessions, '/') + 1, *dot = strrchr(name, '.');
    int stem = (int)((dot && dot != name ? dot : name + strlen(name)) - start->sessions);
    for (int number = 2; number <= MOST_NAMES; number++) {
        int length = snprintf(start->database, PATH_BYTES, "%.*s-%d%s", stem, start->sessions, number, start->sessions + stem);
        if (length < PATH_BYTES && os_stat(start->database, &status) != 0) {
            os_message("%s exists and is kept: this recording becomes %s", start->sessions, start->database);
            return true;
        }
    }
    os_message("%s exists, and so do all numbered names: sessions are left for 'alloctrace collect'", start->sessions);
    return false;
}

/* Without a parent that waits for it, without handlers and masks, with nothing open but the lock. */
static int become_collector(void *argument)
{
    struct start *start = argument;
    setsid();
    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction action = {.sa_handler = SIG_DFL};
        sigaction(signal, &action, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null = os_open("/dev/null", O_RDWR), lock = fcntl(start->lock, F_DUPFD, 64);
    for (int i = 0; i < LOCK_DESCRIPTOR; i++)
        dup2(null, i);
    dup2(lock, LOCK_DESCRIPTOR);
    syscall(SYS_close_range, LOCK_DESCRIPTOR + 1, ~0u, 0); /* Linux 5.9; before, what is open stays open there */
    if (chdir("/") != 0)
        goto failed;

    char *arguments[] = {command, "collect", "--recording", start->process, "-o", start->database, start->sessions, NULL, NULL};
    size_t length = strlen(command);
    if (length > 4 && strcmp(command + length - 4, ".dll") == 0) {
        static const char *const dotnets[] = {"/usr/bin/dotnet", "/usr/share/dotnet/dotnet", "/usr/lib/dotnet/dotnet",
                                              "/usr/local/bin/dotnet"};
        memmove(arguments + 1, arguments, 7 * sizeof *arguments);
        for (size_t i = 0; i < sizeof dotnets / sizeof *dotnets; i++) {
            arguments[0] = (char *)dotnets[i];
            execve(dotnets[i], arguments, start->variables);
        }
    } else {
        execve(command, arguments, start->variables);
    }
failed:
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
    spawn(become_collector, start->stack[1], start, &pid);
    syscall(SYS_exit_group, 0);
    return 0;
}

static void start_collector(struct start *start)
{
    choose_variables(start);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int pid;
    if (spawn(leave_child_behind, start->stack[0], start, &pid))
        while (syscall(SYS_wait4, pid, NULL, __WCLONE, NULL) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (start->error)
        os_message("the collector cannot be started: %s; sessions are left for 'alloctrace collect'", os_error_text(start->error));
}

void collector_ensure(const struct options *options)
{
    if (!options->starts_collector || !*command)
        return;
    int saved = errno;
    struct start *start = os_map(sizeof *start);
    char path[PATH_BYTES];
    if (start && lock_path(path, options) && (start->lock = take_lock(path)) >= 0) {
        snprintf(start->process, sizeof start->process, "%u", os_process_id());
        /* The prefix is the database's name and a dot. */
        snprintf(start->sessions, PATH_BYTES, "%s/%.*s", options->folder, (int)strlen(options->prefix) - 1, options->prefix);
        if (choose_database(start))
            start_collector(start);
        os_close(start->lock);
    }
    if (start)
        os_unmap(start, sizeof *start);
    errno = saved;
}

/* ---- the end ---- */

static bool is_collected(void)
{
    uint32_t pid = SHARED_LOAD(session.header->collector_pid);
    bool known;
    bool is_locked = pid && os_file_is_locked(&session.file, ALLOCTRACE_LOCK_COLLECTOR, &known);
    return pid && (known ? is_locked : kill((pid_t)pid, 0) == 0 || errno != ESRCH);
}

static bool is_collected_by_nobody(const char *path)
{
    if (is_collected())
        return false;
    /* It may be about to begin: then it has the lock. */
    int descriptor = os_open(path, O_RDWR | O_NOFOLLOW);
    bool is_free = descriptor < 0 || flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    if (descriptor >= 0)
        os_close(descriptor);
    return is_free;
}

void collector_replace(const struct options *options)
{
    int saved = errno;
    if (!is_collected())
        collector_ensure(options);
    errno = saved;
}

void collector_await(const struct options *options)
{
    char path[PATH_BYTES];
    if (!options->starts_collector || !lock_path(path, options))
        return;
    int saved = errno;
    for (int look = 0; look < AWAIT_LOOKS && !SHARED_LOAD(session.header->collector_done); look++) {
        if (look % LOOKS_BETWEEN_LIVENESS == 0 && is_collected_by_nobody(path)) {
            if (look > 0 || !SHARED_LOAD(session.header->collector_pid))
                break;
            collector_ensure(options); /* it was killed: another one completes the database */
        }
        os_sleep_ns(AWAIT_NS);
    }
    uint32_t done = SHARED_LOAD(session.header->collector_done);
    bool is_left = done == ALLOCTRACE_DONE_LEFT ? !is_collected() : !done && is_collected_by_nobody(path);
    if (*command && is_left)
        os_message("no collector drains this recording: run 'alloctrace collect -o FILE.db %s'", session.file.path);
    errno = saved;
}

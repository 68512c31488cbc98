#include "session/collector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "platform/image.h"
#include "platform/lock_file.h"
#include "platform/orphan.h"
#include "session/session.h"

enum {
    MOST_VARIABLES = 4096,
    MOST_NAMES = 100, /* trace.db, trace-2.db, … */
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
            && (i + 1 < sizeof places / sizeof *places ? os_may_execute(path) : os_may_read(path)))
            return true;
    return false;
}

/* Beside the library, or above runtimes/RID/native/, as packages have it. A name that ends in .dll is for the dotnet command. */
void collector_find_command(void)
{
    if (!find_command(command))
        command[0] = '\0';
}

/* ---- the lock ---- */

static bool lock_path(char path[PATH_BYTES], const struct options *options)
{
    return snprintf(path, PATH_BYTES, "%s/%slock", options->folder, options->prefix) < PATH_BYTES;
}

/* The descriptor of the locked file, or -1: another has it. The name can be guessed: where others may write, they may have planted a file.
 * Root's file is accepted too: the host may have dropped privileges since. */
static int take_lock(const char *path)
{
    if (lock_file_is_planted(path)) {
        os_message("%s belongs to another user: sessions are left for 'alloctrace collect'", path);
        return -1;
    }
    return lock_file_take(path);
}

/* ---- the start ---- */

struct start {
    int lock;
    char sessions[PATH_BYTES], database[PATH_BYTES], process[16];
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
    if (!is_utf8(start->sessions)) {
        os_message("the name of the database is not UTF-8: sessions are left as %s.*", start->sessions);
        return false;
    }
    if (!os_exists(start->sessions)) {
        memcpy(start->database, start->sessions, sizeof start->database);
        return true;
    }
    const char *name = strrchr(start->sessions, '/') + 1, *dot = strrchr(name, '.');
    int stem = (int)((dot && dot != name ? dot : name + strlen(name)) - start->sessions);
    for (int number = 2; number <= MOST_NAMES; number++) {
        int length = snprintf(start->database, PATH_BYTES, "%.*s-%d%s", stem, start->sessions, number, start->sessions + stem);
        if (length < PATH_BYTES && !os_exists(start->database)) {
            os_message("%s exists and is kept: this recording becomes %s", start->sessions, start->database);
            return true;
        }
    }
    os_message("%s exists, and so do all numbered names: sessions are left for 'alloctrace collect'", start->sessions);
    return false;
}

static void start_collector(struct start *start)
{
    static const char *const dotnets[] = {"/usr/bin/dotnet", "/usr/share/dotnet/dotnet", "/usr/lib/dotnet/dotnet", "/usr/local/bin/dotnet",
                                          NULL};
    const char *const own[] = {command, NULL};
    char *arguments[] = {NULL, command, "collect", "--recording", start->process, "-o", start->database, start->sessions, NULL};
    size_t length = strlen(command);
    bool is_for_dotnet = length > 4 && strcmp(command + length - 4, ".dll") == 0;
    choose_variables(start);
    struct orphan orphan = {.programs = is_for_dotnet ? dotnets : own,
                            .arguments = is_for_dotnet ? arguments : arguments + 1,
                            .variables = start->variables,
                            .descriptor = start->lock};
    int error = os_start_orphan(&orphan);
    if (error)
        os_message("the collector cannot be started: %s; sessions are left for 'alloctrace collect'", os_error_text(error));
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
    return pid && (known ? is_locked : !os_process_is_gone(pid));
}

static bool is_collected_by_nobody(const char *path)
{
    return !is_collected() && lock_file_is_free(path); /* it may be about to begin: then it has the lock */
}

void collector_replace(const struct options *options)
{
    if (!is_collected())
        collector_ensure(options);
}

void collector_await(const struct options *options)
{
    char path[PATH_BYTES];
    if (!options->starts_collector || !lock_path(path, options))
        return;
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
}

#include "session/session.h"

#include <stdio.h>
#include <string.h>

struct session session;

static bool has_room_for_extent(void)
{
    uint64_t extents = session.header->extents + 1;
    return extents <= ALLOCTRACE_MAX_EXTENTS && ALLOCTRACE_HEADER_BYTES + extents * ALLOCTRACE_EXTENT_BYTES <= session.header->limit_bytes;
}

static bool grow(enum alloctrace_extent_kind kind, const char **reason)
{
    struct alloctrace_session *header = session.header;
    *reason = "its limit is reached";
    if (!has_room_for_extent())
        return false;
    uint32_t number = header->extents;
    uint8_t *extent = os_file_extend(&session.file, ALLOCTRACE_HEADER_BYTES + (uint64_t)number * ALLOCTRACE_EXTENT_BYTES,
                                     ALLOCTRACE_EXTENT_BYTES, reason);
    if (!extent)
        return false;
    ((uint8_t *)header)[ALLOCTRACE_EXTENT_KINDS_OFFSET + number] = (uint8_t)kind;
    session.extent[kind][session.extents_of[kind]++] = extent;
    SHARED_STORE(header->extents, number + 1);
    return true;
}

/* Being refused takes a system call that may do much in vain, and each event would ask again: once in a while is enough. */
bool session_grow(enum alloctrace_extent_kind kind)
{
    enum { PAUSE_NS = 100000000 };
    const char *reason;
    if (!has_room_for_extent() || (session.refused_ns && os_monotonic_ns() - session.refused_ns < PAUSE_NS))
        return false;
    bool grown = grow(kind, &reason);
    session.refused_ns = grown ? 0 : os_monotonic_ns();
    return grown;
}

/* Returns the place of the next string, after growing the array if necessary. Strings do not cross extents: the rest of an extent is
 * skipped if it cannot hold the longest string. Returns UINT32_MAX if there is no room. */
static uint32_t next_string(void)
{
    const uint32_t longest = sizeof(uint32_t) + ALLOCTRACE_MAX_STRING_BYTES;
    uint32_t at = session.header->string_bytes;
    if (at % ALLOCTRACE_EXTENT_BYTES + longest > ALLOCTRACE_EXTENT_BYTES) {
        if (at > UINT32_MAX - 2 * ALLOCTRACE_EXTENT_BYTES)
            return UINT32_MAX;
        at = (at / ALLOCTRACE_EXTENT_BYTES + 1) * ALLOCTRACE_EXTENT_BYTES;
    }
    bool there = at / ALLOCTRACE_EXTENT_BYTES < session.extents_of[ALLOCTRACE_EXTENT_STRINGS];
    return there || session_grow(ALLOCTRACE_EXTENT_STRINGS) ? at : UINT32_MAX;
}

char *session_string_room(void)
{
    uint32_t at = next_string();
    if (at == UINT32_MAX)
        return NULL;
    return (char *)session.extent[ALLOCTRACE_EXTENT_STRINGS][at / ALLOCTRACE_EXTENT_BYTES] + at % ALLOCTRACE_EXTENT_BYTES
           + sizeof(uint32_t);
}

uint32_t session_string_commit(size_t length)
{
    uint32_t at = next_string(), stored = (uint32_t)length;
    memcpy(session_string_room() - sizeof stored, &stored, sizeof stored);
    SHARED_STORE(session.header->string_bytes, at + (uint32_t)((sizeof stored + length + 3) & ~(size_t)3));
    return at;
}

uint32_t session_string(const char *text, size_t length)
{
    char *room = session_string_room();
    if (!room)
        return 0;
    if (length > ALLOCTRACE_MAX_STRING_BYTES)
        length = ALLOCTRACE_MAX_STRING_BYTES;
    memcpy(room, text, length);
    return session_string_commit(length);
}

static void describe_process(void)
{
    struct alloctrace_session *header = session.header;
    session_string("", 0); /* reference 0 */

    char *room = session_string_room(); /* written in place: a hook has no stack to spare */
    if (room)
        header->executable = session_string_commit(os_executable(room, 4096));
    room = session_string_room();
    if (room)
        header->command_line = session_string_commit(os_command_line(room, ALLOCTRACE_MAX_STRING_BYTES));
}

static bool name_file(const struct options *options, uint32_t pid, const char **reason)
{
    uint64_t random;
    os_random(&random, sizeof random); /* not to be guessed where others may write */
    int length = snprintf(session.file.path, sizeof session.file.path, "%s/%s%u-%016llx.alloctrace", options->folder, options->prefix, pid,
                          (unsigned long long)random);
    *reason = "the path is too long";
    session.refused_ns = 0;
    return length > 0 && (size_t)length < sizeof session.file.path;
}

static bool create_file(const struct options *options, const char **reason)
{
    if (os_file_create(&session.file, reason))
        return true;
    if (!os_folder_exists(options->folder))
        *reason = "this process does not see its folder. In a sandbox or container with a /dev/shm of its own, share that "
                  "(bwrap --dev-bind /dev /dev, docker run --ipc=host)";
    return false;
}

bool session_open(const struct options *options, const struct session_origin *origin, const char **reason)
{
    uint32_t pid = os_process_id();
    if (!name_file(options, pid, reason) || !create_file(options, reason))
        return false;
    session.header = os_file_extend(&session.file, 0, ALLOCTRACE_HEADER_BYTES, reason);
    if (!session.header) {
        os_file_remove(&session.file);
        return false;
    }

    struct alloctrace_session *header = session.header;
    header->version = ALLOCTRACE_WIRE_VERSION;
    header->header_bytes = ALLOCTRACE_HEADER_BYTES;
    header->extent_bytes = ALLOCTRACE_EXTENT_BYTES;
    header->slab_bytes = ALLOCTRACE_SLAB_BYTES;
    header->pid = pid;
    header->parent_pid = os_parent_process_id();
    header->pid_started = os_process_started();
    header->pid_namespace = os_namespace("pid");
    header->time_namespace = os_namespace("time");
    header->own_mappings = (uint64_t)(uintptr_t)os_own_mappings_table();
    header->started_ns = os_realtime_ns();
    header->started_mono_ns = os_monotonic_ns();
    header->sample_bytes = options->sample_bytes;
    header->events_bytes = options->events_bytes;
    header->limit_bytes = options->limit_bytes;
    header->max_frames = options->max_frames;
    header->on_full = options->on_full;
    header->native = options->native;
    header->objects_at_peak = (options->objects & OPTIONS_OBJECTS_AT_PEAK) != 0;
    header->phase = ALLOCTRACE_PHASE_RECORDING;
    header->order = ALLOCTRACE_NO_SLOT;
    header->fork_parent_pid = origin->parent_pid;
    header->fork_number = origin->number;
    memcpy(header->tracked_domain, origin->tracked_domain, sizeof origin->tracked_domain);
    bool has_c_stacks = options->native == ALLOCTRACE_NATIVE_STACKS;
    int last_kind = options->crash ? ALLOCTRACE_EXTENT_CRASH : ALLOCTRACE_EXTENT_STRINGS;
    for (int kind = ALLOCTRACE_EXTENT_THREADS; kind < ALLOCTRACE_EXTENT_KINDS; kind++) {
        bool is_wanted = kind <= last_kind || (has_c_stacks && kind >= ALLOCTRACE_EXTENT_IMAGES);
        if (is_wanted && !grow((enum alloctrace_extent_kind)kind, reason)) {
            os_file_remove(&session.file);
            session_abandon();
            return false;
        }
    }
    header->c_frames = has_c_stacks ? ALLOCTRACE_FIRST_C_FRAME : 0;
    header->nodes = ALLOCTRACE_FIRST_NODE;
    describe_process();
    SHARED_STORE(header->magic, ALLOCTRACE_MAGIC);
    return true;
}

void session_forget(void)
{
    os_file_close(&session.file);
    memset(&session, 0, sizeof session);
    session.file.descriptor = -1;
}

void session_abandon(void)
{
    for (int kind = ALLOCTRACE_EXTENT_THREADS; kind < ALLOCTRACE_EXTENT_KINDS; kind++) {
        for (uint32_t i = 0; i < session.extents_of[kind]; i++)
            os_unmap(session.extent[kind][i], ALLOCTRACE_EXTENT_BYTES);
        session.extents_of[kind] = 0;
    }
    if (session.header)
        os_unmap(session.header, ALLOCTRACE_HEADER_BYTES);
    session.header = NULL;
    os_file_close(&session.file);
}

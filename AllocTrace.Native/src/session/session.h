/* session.h: the session file as its writer sees it. See alloctrace/wire.h for what is in it.
 *
 * All functions here except the element accessors are called under the recording lock (capture/recording.h).
 */
#ifndef ALLOCTRACE_SESSION_H
#define ALLOCTRACE_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "alloctrace/wire.h"
#include "platform/compiler.h"
#include "platform/os.h"
#include "session/options.h"

#define PER_EXTENT(type) (ALLOCTRACE_EXTENT_BYTES / sizeof(type))

struct session {
    struct alloctrace_session *header; /* NULL: there is none */
    struct os_file file;
    uint64_t refused_ns; /* when the system last refused an extent; 0: it gave the last one */
    uint32_t extents_of[ALLOCTRACE_EXTENT_KINDS];
    uint8_t *extent[ALLOCTRACE_EXTENT_KINDS][ALLOCTRACE_MAX_EXTENTS];
};

extern INTERNAL struct session session;

/* The point in its parent's records at which a forked child began. All zero: it has no recorded parent, or the point is not known. */
struct session_origin {
    uint32_t parent_pid;
    uint64_t number;                             /* of the FORK mark */
    uint32_t tracked_domain[ALLOCTRACE_DOMAINS]; /* the child continues with its parent's numbers */
};

/* Makes the file and its first extents. On failure: false, one line in *reason, nothing left behind. */
bool session_open(const struct options *options, const struct session_origin *origin, const char **reason);

/* Forgets the session that was inherited by fork: it is the parent's. */
void session_abandon(void);

/* Forgets a session that was stopped. It stays mapped: a thread that was between two instructions when it was stopped may still write. */
void session_forget(void);

/* Adds an extent. Returns false if the limit, the disk or memory does not allow it. */
bool session_grow(enum alloctrace_extent_kind kind);

/* Appends a string in two steps: the caller writes up to ALLOCTRACE_MAX_STRING_BYTES at session_string_room(), unless that is NULL for lack
 * of room, and commits the written length. Returns the reference. */
char *session_string_room(void);
uint32_t session_string_commit(size_t length);

/* Appends a copy. Returns the reference, or 0 for want of space. */
uint32_t session_string(const char *text, size_t length);

static inline struct alloctrace_thread *session_thread(uint32_t slot)
{
    return (struct alloctrace_thread *)session.extent[ALLOCTRACE_EXTENT_THREADS][slot / PER_EXTENT(struct alloctrace_thread)]
           + slot % PER_EXTENT(struct alloctrace_thread);
}

static inline struct alloctrace_slab *session_slab(uint32_t slab)
{
    const uint32_t per_extent = ALLOCTRACE_EXTENT_BYTES / ALLOCTRACE_SLAB_BYTES;
    return (struct alloctrace_slab *)(session.extent[ALLOCTRACE_EXTENT_SLABS][slab / per_extent]
                                      + (size_t)(slab % per_extent) * ALLOCTRACE_SLAB_BYTES);
}

static inline struct alloctrace_node *session_node(uint32_t node)
{
    return (struct alloctrace_node *)session.extent[ALLOCTRACE_EXTENT_NODES][node / PER_EXTENT(struct alloctrace_node)]
           + node % PER_EXTENT(struct alloctrace_node);
}

static inline struct alloctrace_code *session_code(uint32_t code)
{
    return (struct alloctrace_code *)session.extent[ALLOCTRACE_EXTENT_CODES][code / PER_EXTENT(struct alloctrace_code)]
           + code % PER_EXTENT(struct alloctrace_code);
}

static inline struct alloctrace_c_frame *session_c_frame(uint32_t frame)
{
    return (struct alloctrace_c_frame *)session.extent[ALLOCTRACE_EXTENT_C_FRAMES][frame / PER_EXTENT(struct alloctrace_c_frame)]
           + frame % PER_EXTENT(struct alloctrace_c_frame);
}

static inline struct alloctrace_image *session_image(uint32_t image)
{
    return (struct alloctrace_image *)session.extent[ALLOCTRACE_EXTENT_IMAGES][image / PER_EXTENT(struct alloctrace_image)]
           + image % PER_EXTENT(struct alloctrace_image);
}

static inline const char *session_string_text(uint32_t reference, uint32_t *length)
{
    const uint8_t *at =
        session.extent[ALLOCTRACE_EXTENT_STRINGS][reference / ALLOCTRACE_EXTENT_BYTES] + reference % ALLOCTRACE_EXTENT_BYTES;
    *length = *(const uint32_t *)at;
    return (const char *)at + sizeof(uint32_t);
}

/* The members of the header are plain integers, as C# sees them; here they are shared with other threads and another process. */
#define SHARED_LOAD(member) __atomic_load_n(&(member), __ATOMIC_ACQUIRE)
#define SHARED_LOAD_RELAXED(member) __atomic_load_n(&(member), __ATOMIC_RELAXED)
#define SHARED_STORE(member, value) __atomic_store_n(&(member), value, __ATOMIC_RELEASE)
/* member += value, by its only writer. On x86-64 an addition in memory: one store, in order after those before it. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define SHARED_ADVANCE(member, value) __asm__ volatile("addq %1, %0" : "+m"(member) : "er"((uint64_t)(value)) : "memory", "cc")
#else
#define SHARED_ADVANCE(member, value) SHARED_STORE(member, SHARED_LOAD_RELAXED(member) + (value))
#endif
#define SHARED_ADD(member, value) __atomic_fetch_add(&(member), value, __ATOMIC_RELAXED)

#endif

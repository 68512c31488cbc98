/* recording.h: the one recording of this process, and its states.
 *
 *   armed      hooks are in place, nothing was allocated yet: no file exists
 *   recording  since the first allocation
 *   off        nothing is recorded (any more): hooks pass calls through
 *
 * Of the CPythons in the process each is a traced_runtime, from the moment it was found: hosts load several, unload them and load them
 * again.
 *
 * A forked child finds fork_local zeroed: it notices at its first call that the recording is its parent's, and begins one of its own.
 */
#ifndef ALLOCTRACE_RECORDING_H
#define ALLOCTRACE_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "alloctrace/wire.h"
#include "platform/assert.h"
#include "platform/lock.h"
#include "platform/compiler.h"
#include "python/runtime.h"
#include "session/options.h"

struct thread_capture;

enum { RUNTIMES = ALLOCTRACE_RUNTIMES };

struct traced_runtime {
    struct python_runtime python;
    uint32_t (*walk)(struct thread_capture *thread, bool holds_gil);              /* the present way to get a stack; never NULL */
    uint32_t (*walk_after_checks)(struct thread_capture *thread, bool holds_gil); /* once CPython itself agreed often enough */
    uint32_t (*walk_python)(struct thread_capture *thread, bool holds_gil); /* what `walk` asks for Python's part of it; NULL: it is that */
    uintptr_t loop_begin, loop_end; /* to 3.10 its interpreter loop (c_stacks/loops.h); 0: not known */
    uint32_t checks_agreed;
    bool is_checked;           /* walk_after_checks is in use */
    uintptr_t seen_finalizing; /* what *python.finalizing was when it was last looked at */
    char path[512];            /* the image's; its own string is gone with it */
    bool used;                 /* found, and not unloaded since, as far as can be known */
    uint32_t stacks;           /* enum alloctrace_stacks; outlives fork */
    char stacks_reason[160];
    uint32_t found; /* enum alloctrace_found */
    bool was_initialized;
    uint64_t hooked_ns;
};

/* Zeroed in a forked child, whichever way it was forked. */
struct fork_local {
    struct lock lock;
    struct lock look_lock;     /* inject/runtimes.c */
    struct lock resident_lock; /* capture/resident/resident.c: held for as long as an account takes, by one thread; nobody waits for it */
    struct lock shared_stream_lock;
    struct thread_capture *shared_stream; /* capture/native/shared_stream.h */
    struct thread_capture *threads;
    uint32_t threads_since_reap, threads_after_reap; /* capture/thread.c */
    bool loader_is_free; /* not in a forked child: another thread of the parent may have held the loader's lock */
    bool owned;          /* the session is this process's */
};

/* The functions of higher folders that this folder calls. They are set when the recording is armed (lifecycle/start.c). */
struct recording_calls {
    /* Makes sure that there is a session of this process. Under the lock. False: there cannot be one; the recording is off. */
    bool (*make_session)(void);

    void *(*thread_begins)(void);       /* returns what thread_is_gone takes; may be NULL */
    void (*thread_ends)(void);          /* the calling thread */
    void (*thread_is_gone)(void *kept); /* without thread_ends */
};

struct recording {
    bool off;
    struct recording_calls calls;
    struct options options;
    struct traced_runtime runtimes[RUNTIMES];
    uint32_t runtime_count; /* of which some may not be in use */
    struct fork_local *fork_local;
    bool is_refused; /* by the system, when it was to be armed */
};

extern INTERNAL struct recording recording;

/* Another CPython. NULL: there are too many. Not under the lock. */
struct traced_runtime *recording_add_runtime(const struct python_runtime *python, uint32_t found);

/* Writes the state of a runtime to the session, if there is one. Must not be called under the lock. */
void recording_tell_runtime(struct traced_runtime *runtime);

/* Writes the state of all runtimes to a session that begins. The caller holds the lock. */
void recording_tell_all_runtimes(void);

/* A runtime's stacks are on, or off and why. Not under the lock. */
void recording_set_stacks(struct traced_runtime *runtime, bool on, const char *reason);

/* True if some thread holds the lock. For assertions: a function that is called under the lock. */
static inline bool recording_is_locked(void)
{
    return __atomic_load_n(&recording.fork_local->lock.is_taken, __ATOMIC_RELAXED);
}

static inline void recording_lock(void)
{
    lock_acquire(&recording.fork_local->lock);
}

static inline void recording_unlock(void)
{
    alloctrace_assert(recording_is_locked());
    lock_release(&recording.fork_local->lock);
}

#endif

/* recording.h: the one recording of this process, and its states.
 *
 *   armed      hooks are in place, nothing was allocated yet: no file exists
 *   recording  since the first allocation
 *   off        nothing is recorded (any more): hooks pass calls through
 *
 * A forked child finds fork_local zeroed: it notices at its first call that the recording is its parent's, and begins one of its own.
 */
#ifndef ALLOCTRACE_RECORDING_H
#define ALLOCTRACE_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/lock.h"
#include "python/runtime.h"
#include "session/options.h"

/* Zeroed in a forked child, whichever way it was forked. */
struct fork_local {
    uint32_t lock;
    bool owned; /* the session is this process's */
};

struct recording {
    bool off;
    struct options options;
    struct python_runtime python;
    struct fork_local *fork_local;
    bool finalization_marked;
    void (*on_new_code)(void); /* called, without the lock, after code was seen for the first time: libraries may have been loaded */
    uint32_t stacks;           /* enum alloctrace_stacks; outlives fork */
    const char *stacks_reason;
};

extern struct recording recording;

/* Before the hooks go in. False: cannot be done here, and a message said why. */
bool recording_arm(const struct options *options, const struct python_runtime *python);

/* Makes sure that there is a session of this process. Under the lock. False: there cannot be one; the recording is off. */
bool recording_ensure_session(void);

/* Stacks are on, or off and why (a string that stays). Under the lock. */
void recording_set_stacks(bool on, const char *reason);

/* The process ends of its own accord. Safe in a child made by vfork. */
void recording_end(void);

static inline void recording_lock(void)
{
    lock_acquire(&recording.fork_local->lock);
}

static inline void recording_unlock(void)
{
    lock_release(&recording.fork_local->lock);
}

#endif

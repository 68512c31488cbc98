/* thread.h: the data of the hooks for each thread. */
#ifndef ALLOCTRACE_THREAD_H
#define ALLOCTRACE_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/walk/kept_stack.h"
#include "platform/compiler.h"
#include "session/session.h"

/* A thread's state, or the value of thread_ready at its last check: one comparison shows that it is neither inside a hook nor new, that its
 * recording is the present one, and that no code object died since. */
enum hook_state {
    THREAD_UNREADY = 0, /* new, or found zeroed after a fork */
    THREAD_INSIDE = 1,  /* in a hook: calls that reach us now are the real allocator's own (pymalloc asks the raw domain) */
    THREAD_FIRST_RECORDING = 2,
};

struct c_walker;

/* The present recording's number; grows when recording stops, and when it starts again. */
extern INTERNAL uint32_t thread_recording;

/* Another number whenever thread_recording or code_cache.epoch became another one: they change first. */
extern INTERNAL uint32_t thread_ready;
void thread_change_ready(void);

/* See sampling.h. When every allocation is recorded, all zero but the first. */
struct sampler {
    uint64_t usual;       /* sizes below it have the usual record: none when sampling or with C stacks, else those of 32 bits */
    uint64_t left;        /* bytes to the next that is chosen */
    uint64_t allocations; /* of this thread, so far */
    uint64_t random;
};

/* Is in memory that a forked child finds zeroed, because its pointers are the parent's. */
struct thread_capture {
    /* The fields that every call uses: two cache lines, with the head of the kept stack. */
    uint32_t state;
    uint32_t ready;         /* the state between calls */
    uint8_t *at, *end;      /* the next record; where the last that fits may begin */
    uint64_t position_bias; /* at + position_bias is the stream position */
    uint64_t order;         /* what alloctrace_session.order holds while this thread is the last writer */
    struct alloctrace_thread *shared;
    struct traced_runtime *runtime; /* whose frames the kept stack holds; NULL: none yet */
    uintptr_t pthread;              /* pthread_self() */
    struct sampler sampler;
    struct kept_stack stack;

    uint32_t recording;                     /* that its stream is of */
    struct thread_capture *next, *previous; /* in the list of all threads */
    uint32_t slot;
    uint32_t slab;
    bool is_shared;             /* of no thread: thread_make_shared */
    uint32_t exit_rounds;       /* how often the destructor of the thread's key ran */
    uint32_t process_id, os_id; /* by which the system knows whether it still runs */
    struct c_walker *c_walker;  /* c_stacks/c_stack.h; NULL: it has none yet */
    void *signal_stack;         /* platform/signals.h; NULL: it has its own, or none */

    struct {
        uint32_t slab, used; /* used 0: there was none */
        uint64_t started_ns; /* another time in it: it is somebody else's by now */
    } left;                  /* the slab before the present one */

    uint32_t lost_events; /* not yet told by a LOST record */
    uint64_t lost_first_ns;

#ifdef ALLOCTRACE_CHECKED
    bool in_real; /* in the real allocator, which may come back to a hook; our own code must not */
#endif
};

extern INTERNAL _Thread_local struct thread_capture *thread_of_this __attribute__((tls_model("initial-exec")));

/* Set when the calling thread has run its key's destructor: later calls get no stream of their own (capture/native/shared_stream.h). */
extern INTERNAL _Thread_local bool thread_is_over __attribute__((tls_model("initial-exec")));

/* Nothing of the calling thread is recorded (any more): it collects. */
extern INTERNAL _Thread_local bool thread_is_left_out __attribute__((tls_model("initial-exec")));
void thread_leave_out(void);

/* Makes a stream that is no thread's ready for the present recording, from an earlier one unless that is NULL. The caller excludes others
 * while it uses it. Does nothing but system calls. NULL: there is no room. */
struct thread_capture *thread_make_shared(struct thread_capture *earlier);

/* thread_of_this, or a capture that is never ready if that is NULL: the hooks compare states without a check of the pointer. */
extern INTERNAL _Thread_local struct thread_capture *thread_or_nobody __attribute__((tls_model("initial-exec")));

/* Begins a hook of a thread that is ready but for a code object that died. False: it is not. (ready.c) */
bool thread_meet_death(struct thread_capture *thread);

/* A call of a thread that could not be made ready is counted. */
void thread_tell_unready(void);

/* The slow half of thread_enter: makes the thread ready if it can be. NULL: pass the call through. */
struct thread_capture *thread_enter_slow(void);

/* Begins a hook if the thread is ready, as it mostly is. NULL: thread_enter has to look. */
ALWAYS_INLINE struct thread_capture *thread_enter_ready(void)
{
    struct thread_capture *thread = thread_or_nobody;
    if (__builtin_expect(thread->state != thread_ready, 0))
        return NULL;
    thread->state = THREAD_INSIDE;
    return thread;
}

/* Begins a hook. NULL: this call is not recorded (it is the allocator's own, or nothing is). */
static inline struct thread_capture *thread_enter(void)
{
    struct thread_capture *thread = thread_enter_ready();
    return __builtin_expect(!thread, 0) ? thread_enter_slow() : thread;
}

/* Around calls of the real allocator. Test builds abort when a hook is reached from our own code. */
static inline void thread_call_real(struct thread_capture *thread, bool begins)
{
#ifdef ALLOCTRACE_CHECKED
    thread->in_real = begins;
#endif
    (void)thread;
    (void)begins;
}

static inline void thread_leave(struct thread_capture *thread)
{
    thread->state = thread->ready;
}

/* Between two calls, in the present recording. */
static inline bool thread_is_ready(const struct thread_capture *thread)
{
    return thread->state == thread->ready && thread->recording == thread_recording;
}

/* Ends the recording for all threads: each finds at its next call that it is not ready. Waits for threads inside a hook, for a bounded
 * time. Returns false if some still were, which may write into the session. */
bool thread_stop_all(void);

/* After thread_stop_all: waits, for a bounded time, until no thread can be between the comparison that found it ready and the store that
 * says that it is inside. False: that cannot be known of some. (quiet.c) */
bool thread_all_are_quiet(void);

/* True in the middle of a hook or a probe. */
bool thread_is_inside(void);

/* Between the two calls, hooks on this thread record nothing; the second returns true if a hook was called. */
void thread_begin_probe(void);
bool thread_end_probe(void);

/* Notes in a probe that a hook was called. For hooks that do not begin with thread_enter. */
void thread_note_probe(void);

/* Makes room for at least one more frame in the kept stack. Returns false if it has its largest size. */
bool thread_grow_stack(struct kept_stack *stack);

#endif

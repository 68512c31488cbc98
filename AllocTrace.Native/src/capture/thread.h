/* thread.h: what the hooks keep for each thread. */
#ifndef ALLOCTRACE_THREAD_H
#define ALLOCTRACE_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/kept_stack.h"
#include "session/session.h"

enum thread_state {
    THREAD_UNREADY = 0, /* new, or found zeroed after a fork */
    THREAD_IDLE = 1,
    THREAD_INSIDE = 2, /* in a hook: calls that reach us now are the real allocator's own (pymalloc asks the raw domain) */
};

/* Lives in memory that a forked child finds zeroed: what it points to is the parent's. */
struct thread_capture {
    enum thread_state state;
    bool exiting; /* the thread's key destructor ran: register again if it still allocates */
    uint32_t slot;

    uint8_t *at, *end;      /* the next record; where the last that fits may begin */
    uint64_t position_bias; /* at + position_bias is the stream position */
    uint64_t order;         /* what alloctrace_session.order holds while this thread is the last writer */
    struct alloctrace_thread *shared;
    uint32_t slab;

    uint32_t lost_events; /* not yet told by a LOST record */
    uint64_t lost_first_ns;

    struct kept_stack stack;

#ifdef ALLOCTRACE_ABORT_ON_REENTRY
    bool in_real; /* in the real allocator, which may come back to a hook; our own code must not */
#endif
};

extern _Thread_local struct thread_capture *thread_of_this __attribute__((tls_model("initial-exec")));

/* The slow half of thread_enter: makes the thread ready if it can be. NULL: pass the call through. */
struct thread_capture *thread_enter_slow(struct thread_capture *thread);

/* Begins a hook. NULL: this call is not recorded (it is the allocator's own, or nothing is). */
static inline struct thread_capture *thread_enter(void)
{
    struct thread_capture *thread = thread_of_this;
    if (__builtin_expect(!thread || thread->state != THREAD_IDLE, 0))
        return thread_enter_slow(thread);
    thread->state = THREAD_INSIDE;
    return thread;
}

/* Around calls of the real allocator. Test builds abort when a hook is reached from our own code. */
static inline void thread_call_real(struct thread_capture *thread, bool begins)
{
#ifdef ALLOCTRACE_ABORT_ON_REENTRY
    thread->in_real = begins;
#endif
    (void)thread;
    (void)begins;
}

static inline void thread_leave(struct thread_capture *thread)
{
    thread->state = THREAD_IDLE;
}

/* True in the middle of a hook or a probe. */
bool thread_is_inside(void);

/* Between the two, hooks on this thread record nothing; the second tells whether one was called. */
void thread_begin_probe(void);
bool thread_end_probe(void);

/* Room for at least one more frame in the kept stack. False: it is as large as it gets. */
bool thread_grow_stack(struct kept_stack *stack);

#endif

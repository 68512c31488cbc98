#include "capture/fork.h"

#include <string.h>

#include "capture/recording.h"
#include "capture/records.h"
#include "capture/sampling.h"

/* The fork that the calling thread is about to make: two threads may fork at once, and the child has the one that made it. */
static _Thread_local uint64_t mine __attribute__((tls_model("initial-exec")));

/* The origin of this process, until its session has it. A child that forks before it allocates passes the origin on, because nothing was
 * allocated or freed in between. */
static struct session_origin origin;

/* The last number given. A child counts on from its parent's. */
static uint64_t last_number;

/* Returns a number that no other fork of a process with this pid has, higher than those of its earlier forks. It begins at the session's
 * start, so that a pid used again has others; from there it counts. The clock itself would not do: two forks may see the same time
 * (libfaketime stops it), or a later one an earlier time. */
static uint64_t next_number(void)
{
    uint64_t begun = session.header->started_mono_ns & ALLOCTRACE_OPERAND_MASK, next;
    uint64_t last = __atomic_load_n(&last_number, __ATOMIC_RELAXED);
    do {
        next = (last > begun ? last : begun) + 1;
    } while (!__atomic_compare_exchange_n(&last_number, &last, next, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return next & ALLOCTRACE_OPERAND_MASK;
}

static void before_fork(void)
{
    mine = 0;
    if (!recording.fork_local->owned)
        return; /* armed only, or a child that has not allocated yet */
    struct thread_capture *thread = thread_enter();
    if (!thread)
        return; /* a fork from within an allocator */
    mine = next_number();
    record_mark(thread, ALLOCTRACE_MARK_FORK, mine);
    thread_leave(thread);
    sampling_before_fork();
}

static void in_parent(void)
{
    if (mine)
        sampling_after_fork();
    mine = 0;
}

static void in_child(void)
{
    if (!mine)
        return;
    sampling_after_fork_in_child();
    origin.number = mine;
    origin.parent_pid = session.header->pid; /* the parent's still; getppid() may be another's by now */
    mine = 0;
}

/* The function that pthread_atfork calls in glibc, where pthread_atfork is not in the shared library. Weak: otherwise the loader would
 * refuse this library with another C library, and not start the program. */
extern int __register_atfork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void), void *library) __attribute__((weak));
extern void *__dso_handle INTERNAL;

/* Handlers of the first to register run last before the fork and first after it: next to nothing comes between the mark and the fork. */
void fork_watch(void)
{
    if (__register_atfork)
        __register_atfork(before_fork, in_parent, in_child, &__dso_handle);
}

void fork_leave_parent(const struct alloctrace_session *parent)
{
    alloctrace_assert(recording_is_locked());
    memcpy(origin.tracked_domain, parent->tracked_domain, sizeof origin.tracked_domain);
}

struct session_origin fork_take_origin(void)
{
    alloctrace_assert(recording_is_locked());
    struct session_origin taken = origin;
    memset(&origin, 0, sizeof origin);
    return taken;
}

/* walk.h: the calling thread's Python stack as a node in the session's trie. */
#ifndef ALLOCTRACE_WALK_H
#define ALLOCTRACE_WALK_H

#include "capture/recording.h"
#include "capture/thread.h"

/* Chooses the walk for the runtime's layout and the option frames. */
void walk_choose(struct traced_runtime *runtime);

/* Begins with stacks of another runtime: nothing kept is valid. */
void walk_begin(struct thread_capture *thread, struct traced_runtime *runtime);

/* The node of the calling thread's present stack in that runtime. holds_gil: it certainly does (false: it may). Allocates nothing, calls
 * nothing of CPython but the two functions that return the current thread state (and, for the first few stacks, two pure functions that
 * they are compared with: self_check.h). */
static inline uint32_t walk(struct thread_capture *thread, struct traced_runtime *runtime, bool holds_gil)
{
    if (__builtin_expect(thread->runtime != runtime, 0))
        walk_begin(thread, runtime);
    return runtime->walk(thread, holds_gil);
}

#endif

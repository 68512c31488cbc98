/* walk.h: the calling thread's Python stack as a node in the session's trie. */
#ifndef ALLOCTRACE_WALK_H
#define ALLOCTRACE_WALK_H

#include "capture/thread.h"

/* Chooses the walk for the interpreter's layout and the option frames. */
void walk_choose(void);

/* The node of the calling thread's present stack. holds_gil: it certainly does (false: it may). Allocates nothing, calls nothing of CPython
 * but the two functions that return the current thread state (and, for the first few stacks, two pure functions that they are compared
 * with: self_check.h). */
static inline uint32_t walk(struct thread_capture *thread, bool holds_gil);

extern uint32_t (*walk_chosen)(struct thread_capture *thread, bool holds_gil);

static inline uint32_t walk(struct thread_capture *thread, bool holds_gil)
{
    return walk_chosen(thread, holds_gil);
}

#endif

/* c_stack.h: the C stack of an allocation, beside its Python stack (option native=stacks). docs/c-stacks.md has the whole. */
#ifndef ALLOCTRACE_C_STACK_H
#define ALLOCTRACE_C_STACK_H

#include "capture/recording.h"
#include "capture/thread.h"

/* Before any hook. False: this machine's C stacks cannot be read. */
bool c_stack_begin(void);

/* Returns true if outer segments are recorded and can be placed: C's calls of the interpreter are frames (from CPython 3.12 on). */
bool c_stack_has_entries(const struct traced_runtime *runtime);

/* In place of walk() in walk/walk.h: the node of the Python stack, or that of both. */
uint32_t c_stack_walk(struct thread_capture *thread, bool holds_gil);

/* The C stack alone, for a thread that has no Python stack, or whose CPython may be going. */
uint32_t c_stack_without_python(struct thread_capture *thread);

/* The thread ends, or its next stacks are of another session. */
void c_stack_release(struct thread_capture *thread);

#endif

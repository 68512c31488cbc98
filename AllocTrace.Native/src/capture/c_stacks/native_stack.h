/* native_stack.h: the C stack of an allocation, beside its Python stack (option native=stacks). docs/native-stacks.md has the whole. */
#ifndef ALLOCTRACE_NATIVE_STACK_H
#define ALLOCTRACE_NATIVE_STACK_H

#include "capture/recording.h"
#include "capture/thread.h"

/* Before any hook. False: this machine's C stacks cannot be read. */
bool native_stack_begin(void);

/* Whether outer segments are wanted, and can be placed: C's calls of the interpreter are frames (from CPython 3.12 on). */
bool native_stack_has_entries(const struct traced_runtime *runtime);

/* In place of walk() in walk/walk.h: the node of the Python stack, or that of both. */
uint32_t native_stack_walk(struct thread_capture *thread, bool holds_gil);

/* The thread ends, or its next stacks are of another session. */
void native_stack_release(struct thread_capture *thread);

#endif

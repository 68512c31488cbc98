/* callstack.h: what the files of this folder share, and the crash handler uses. The public half is alloctrace/callstack.h. */
#ifndef ALLOCTRACE_CALLSTACK_INTERNAL_H
#define ALLOCTRACE_CALLSTACK_INTERNAL_H

#include <stdbool.h>

#include "alloctrace/callstack.h"
#include "python/frame.h"
#include "python/runtime.h"

struct alloctrace_python {
    struct python_runtime runtime;
    struct python_proposal proposal;
    bool threads_are_known; /* where thread lists are is what this build publishes, or too old to publish anything */
};

/* For a runtime that was found already. */
void callstack_describe(struct alloctrace_python *python, const struct python_runtime *runtime);

/* A pointer that debug allocators leave behind, or one that is none (_PyMem_IsPtrFreed in Include/internal/pycore_pymem.h). */
static inline bool callstack_looks_freed(uintptr_t pointer)
{
    return pointer <= 0xff || pointer >= (uintptr_t)-0x100 || pointer == (uintptr_t)0xcdcdcdcdcdcdcdcd
           || pointer == (uintptr_t)0xdddddddddddddddd || pointer == (uintptr_t)0xfdfdfdfdfdfdfdfd;
}

/* The frame's code object, or 0 when it is not (any more) one. Not for entry trampolines. */
uintptr_t callstack_code(const struct python_runtime *runtime, uintptr_t frame);

/* Bytes of bytecode; 0 when they cannot be told. */
uint32_t callstack_bytecode_bytes(const struct layout *layout, uintptr_t code);

/* Where in the bytecode the frame is, in bytes; negative before the first instruction. */
intptr_t callstack_offset(const struct layout *layout, uintptr_t frame, uintptr_t code);

/* The line at an offset: negative when there is none or the offset is not within the code. */
int32_t callstack_line(const struct layout *layout, uintptr_t code, intptr_t offset);

/* The first and the next thread state of an interpreter, and interpreter of the process. 0: none. */
static inline uintptr_t callstack_first_interpreter(const struct python_runtime *runtime)
{
    return read_pointer(runtime->state, runtime->layout->runtime_interpreters);
}

#endif

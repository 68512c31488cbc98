/* internal.h: shared by the files of this folder and the crash handler. The public half is alloctrace/callstack.h. */
#ifndef ALLOCTRACE_CALLSTACK_INTERNAL_H
#define ALLOCTRACE_CALLSTACK_INTERNAL_H

#include <stdbool.h>

#include "alloctrace/callstack.h"
#include "python/frame.h"
#include "platform/os.h"
#include "python/runtime.h"
#include "python/text.h"

struct alloctrace_python {
    struct python_runtime runtime;
    struct python_proposal proposal;
    bool threads_are_known; /* where thread lists are is what this build publishes, or too old to publish anything */
    bool is_careful;
    const struct alloctrace_python *careful;
};

/* For a runtime that was found already. careful: a second place, for the careful one. */
void callstack_describe(struct alloctrace_python *python, struct alloctrace_python *careful, const struct python_runtime *runtime);

/* A pointer that debug allocators leave behind, or one that is none (_PyMem_IsPtrFreed in Include/internal/pycore_pymem.h). */
static inline bool callstack_looks_freed(uintptr_t pointer)
{
    return pointer <= 0xff || pointer >= (uintptr_t)-0x100 || pointer == (uintptr_t)0xcdcdcdcdcdcdcdcd
           || pointer == (uintptr_t)0xdddddddddddddddd || pointer == (uintptr_t)0xfdfdfdfdfdfdfdfd;
}

static inline bool callstack_can_read(const struct alloctrace_python *python, uintptr_t address, size_t size)
{
    return !callstack_looks_freed(address) && (!python->is_careful || os_can_read(address, size, NULL));
}

enum {
    CALLSTACK_FRAME_BYTES = 112, /* of each structure, what is looked at */
    CALLSTACK_CODE_BYTES = 240,
    CALLSTACK_OBJECT_BYTES = 80,
    CALLSTACK_TYPE_BYTES = 192,
};

/* The innermost frame, complete or not, that can be read; 0: none. */
uintptr_t callstack_innermost(const struct alloctrace_python *python, uintptr_t thread_state);

/* The next one, of a frame that can be read. */
uintptr_t callstack_previous(const struct alloctrace_python *python, uintptr_t frame);

/* The frame's code object, or 0 when it is not (any more) one. Not for entry trampolines. */
uintptr_t callstack_code(const struct alloctrace_python *python, uintptr_t frame);

/* Returns the frame's offset in the bytecode, in bytes; negative before the first instruction. */
intptr_t callstack_offset(const struct alloctrace_python *python, uintptr_t frame, uintptr_t code);

/* The line at an offset: negative when there is none or the offset is not within the code. */
int32_t callstack_line(const struct alloctrace_python *python, uintptr_t code, intptr_t offset);

/* The text in a member of a code object; kind 0: none that can be read. */
struct text_view callstack_text(const struct alloctrace_python *python, uintptr_t code, uint16_t member);

/* The system's name of a thread of this process, without NUL; returns its length, 0 when it has none. Safe in a signal handler. */
size_t callstack_thread_name(uint32_t os_id, char *name, size_t size);

/* The lists of interpreters and of thread states; 0: the end. A state that is returned can be read. */
uintptr_t callstack_first_interpreter(const struct alloctrace_python *python);
uintptr_t callstack_next_interpreter(const struct alloctrace_python *python, uintptr_t interpreter);
uintptr_t callstack_first_state(const struct alloctrace_python *python, uintptr_t interpreter);
uintptr_t callstack_next_state(const struct alloctrace_python *python, uintptr_t state);

#endif

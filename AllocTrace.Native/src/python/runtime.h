/* runtime.h: describes a CPython in this process: symbols looked up at run time, and the layout that fits it. */
#ifndef ALLOCTRACE_RUNTIME_H
#define ALLOCTRACE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/image.h"
#include "python/layout.h"

/* PyMemAllocatorEx of Include/cpython/pymem.h; the same since 3.5. */
struct python_allocator {
    void *context;
    void *(*malloc)(void *context, size_t size);
    void *(*calloc)(void *context, size_t count, size_t size);
    void *(*realloc)(void *context, void *block, size_t size);
    void (*free)(void *context, void *block);
};

/* PyObjectArenaAllocator of Include/cpython/objimpl.h; the same since 3.4. */
struct python_arena_allocator {
    void *context;
    void *(*alloc)(void *context, size_t size);
    void (*free)(void *context, void *block, size_t size);
};

struct python_runtime {
    struct image image;          /* that defines it: libpython, or the executable */
    uintptr_t state;             /* the address of _PyRuntime; 0: not found */
    const struct layout *layout; /* NULL: no stacks, and no_stacks_reason says why */
    char no_stacks_reason[160];
    char version[128]; /* Py_GetVersion() */
    uint32_t hex;      /* PY_VERSION_HEX; without level and serial before 3.11 */

    void (*get_allocator)(int domain, struct python_allocator *allocator);
    void (*set_allocator)(int domain, struct python_allocator *allocator);
    void (*get_arena_allocator)(struct python_arena_allocator *allocator); /* NULL: not found */
    void (*set_arena_allocator)(struct python_arena_allocator *allocator);

    uintptr_t (*attached_thread_state)(void); /* to 3.11: of whichever thread holds the GIL */
    uintptr_t (*own_thread_state)(void);
    int (*is_initialized)(void);
    int64_t (*interpreter_id)(uintptr_t interpreter);            /* only reads; PyInterpreterState_GetID. NULL: not found */
    const uintptr_t *finalizing;                                 /* the thread state that finalizes; never NULL itself */
    int (*track)(unsigned domain, uintptr_t block, size_t size); /* PyTraceMalloc_Track */
    int (*untrack)(unsigned domain, uintptr_t block);

    uintptr_t unicode_type, code_type;
    uintptr_t (*eval_get_globals)(void);                           /* borrowed; PyEval_GetGlobals */
    int (*code_address_to_line)(uintptr_t code, int offset_bytes); /* PyCode_Addr2Line */
};

/* The functions that the proposal of gh-148925 adds to CPython, in the two forms that it has had; NULL if an interpreter lacks them. They
 * take and return the pointers of PyThreadState_Get and the frame chain, without new references. */
struct python_proposal {
    uintptr_t (*innermost)(
        uintptr_t thread_state);                 /* PyUnstable_ThreadState_GetInterpreterFrame: complete (four functions) or not (more) */
    uintptr_t (*next_complete)(uintptr_t frame); /* PyUnstable_InterpreterFrame_GetNextComplete */
    uintptr_t (*code_safe)(uintptr_t frame);     /* …_GetCodeSafe, later …_BorrowCode */
    int (*line_safe)(uintptr_t frame);           /* …_GetLineSafe */
    uintptr_t (*back)(uintptr_t frame);          /* …_GetBack */
    int (*is_incomplete)(uintptr_t frame);       /* …_IsIncomplete */
};

/* All NULL unless the image has enough of one form. */
struct python_proposal python_find_proposal(const struct image *image);

static inline bool python_is_sub_interpreter(const struct python_runtime *python, uintptr_t interpreter)
{
    return interpreter && python->interpreter_id && python->interpreter_id(interpreter) != 0;
}

/* Looks up CPython in an image. Returns false if it is not there. Calls nothing that needs an initialized interpreter. */
bool python_runtime_find(struct python_runtime *python, const struct image *image);

#endif

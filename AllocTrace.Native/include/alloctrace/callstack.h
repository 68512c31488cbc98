/* callstack.h: reads and prints Python's call stack in pure C, for every CPython from 3.8 on. The functions follow the proposal of CPython
 * issue gh-148925; the text is that of faulthandler.
 *
 * No function allocates, counts references, takes a lock or the GIL, sets an exception, changes errno or is a cancellation point, except
 * alloctrace_python_find. Frames are read from memory. Functions of CPython are called only to get the calling thread's state, and those of
 * the proposal where an interpreter exports them.
 *
 *     const struct alloctrace_python *python = alloctrace_python_find(0, NULL);     // once, early
 *     …
 *     uint32_t hops = ALLOCTRACE_MAX_HOPS;                                          // later, anywhere
 *     const void *frame = alloctrace_frame_innermost(python, alloctrace_thread_state_borrow(python, 0), &hops);
 *     for (; frame; frame = alloctrace_frame_caller(python, frame, &hops))
 *         … alloctrace_frame_line(python, frame) …
 *
 * Guarantees, by the thread whose stack is read:
 *
 * - The calling thread: sound with or without the GIL, also in an allocator hook. Only this thread changes its chain, and frames keep
 *   their code alive. In an allocator hook the stack is exactly that of sys._getframe().
 *
 * - The calling thread, in a signal handler: use alloctrace_python_careful. In CPython 3.11 and 3.12, the chain begins with an
 *   uninitialized pointer for a few instructions at each entry of the interpreter's loop (faulthandler may crash there). The careful walk
 *   does not crash, and terminates. In the middle of a call or a return, the stack may have one frame more or less. Rarely, it is cut short
 *   where a generator is being left. The line of the innermost frame is the one that faulthandler prints.
 *
 * - Another thread that is stopped, or any thread while the caller holds the GIL (not in free-threaded builds): sound.
 *
 * - Another thread that runs: use alloctrace_python_careful. The result may be wrong, because frames and code objects are freed and
 *   reused meanwhile, but each pointer is checked before it is followed. A fault remains possible if memory is unmapped between the check
 *   and the read. Freed memory is recognized under debug allocators (PYTHONMALLOC=debug), otherwise only by chance.
 *
 * - During finalization other threads' states are freed: alloctrace_thread_state_borrow returns NULL to all but the finalizing thread.
 *
 * Async-signal-safety: all functions but alloctrace_python_find only read memory and make system calls (process_vm_readv if careful, write,
 * open and read to print). One reservation: CPython's own functions find the calling thread's state. They use pthread_getspecific, which is
 * not on POSIX's list but takes no lock in glibc. From 3.12 on they use thread-local storage, which a libpython that was loaded with dlopen
 * may allocate at a thread's first use. A thread that has run Python code has used it.
 *
 * Borrowed pointers (thread states, frames, code objects: PyThreadState *, _PyInterpreterFrame * or to 3.10 PyFrameObject *, PyCodeObject
 * *) are valid while the object is on the chain. They are void pointers, so that Python.h is not needed.
 */
#ifndef ALLOCTRACE_CALLSTACK_H
#define ALLOCTRACE_CALLSTACK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ALLOCTRACE_API
#define ALLOCTRACE_API __attribute__((visibility("default")))
#endif

/* A CPython in this process. The library owns it and never frees it. */
struct alloctrace_python;

/* Returns the CPython with this index (0 for the first) in the order of the loader's list, or NULL if there is none or its frames cannot be
 * walked. On NULL, sets *reason (unless reason is NULL) to a static text, or to NULL if there is no such CPython.
 *
 * Takes the loader's lock. Any thread may call it, but not from a signal handler or an allocator. Call it early, if possible while holding
 * the GIL with Python code running: then the walk is compared with CPython's own answer. The result is invalid after that library is
 * unloaded. */
ALLOCTRACE_API const struct alloctrace_python *alloctrace_python_find(unsigned index, const char **reason);

/* Returns the same CPython in a form that checks with the system that each structure is readable before reading it. This costs 1 to 3
 * microseconds per frame. An unreadable frame ends the stack, and unreadable text is empty. Returns python itself where the system forbids
 * the check (a sandbox without process_vm_readv). May be called anywhere. */
ALLOCTRACE_API const struct alloctrace_python *alloctrace_python_careful(const struct alloctrace_python *python);

/* Returns the calling thread's state, or NULL if it has none or another thread is finalizing the interpreter. The thread need not hold the
 * GIL. Pass a nonzero holds_gil only if it certainly does, as in an allocator of the domains mem and obj. It matters only in
 * sub-interpreters of 3.11, where otherwise the thread's state in the main interpreter is returned. */
ALLOCTRACE_API const void *alloctrace_thread_state_borrow(const struct alloctrace_python *python, int holds_gil);

/* The largest number of frames that a walk visits, including the omitted ones. CPython makes no deeper chain. */
#define ALLOCTRACE_MAX_HOPS 1000000u

/* Returns the innermost complete frame of a thread state, or NULL if there is none. Omits entry trampolines and frames that have not begun,
 * as tracebacks do. Each frame visited uses up one of *hops, and at 0 the result is NULL: so a corrupted chain that forms a cycle
 * terminates. Returns NULL if thread_state is NULL. */
ALLOCTRACE_API const void *alloctrace_frame_innermost(const struct alloctrace_python *python, const void *thread_state, uint32_t *hops);

/* Returns the next complete frame that called this one, or NULL if there is none, the hops are used up, or the memory was freed. */
ALLOCTRACE_API const void *alloctrace_frame_caller(const struct alloctrace_python *python, const void *frame, uint32_t *hops);

/* Returns the frame's code object, borrowed, or NULL for an entry trampoline or if the memory is no longer a code object. */
ALLOCTRACE_API const void *alloctrace_frame_borrow_code(const struct alloctrace_python *python, const void *frame);

/* Returns the frame's current line, or a negative number if the instruction has none or lies outside the code. Checks the instruction's
 * offset against the bytecode before it reads the line table. */
ALLOCTRACE_API int32_t alloctrace_frame_line(const struct alloctrace_python *python, const void *frame);

/* Copies co_filename, co_name or co_qualname (up to 3.10: co_name) into the buffer, as UTF-8 with a NUL at the end (lone surrogates as
 * three bytes). Returns the number of bytes without the NUL. size is that of the buffer, at least 1. Sets *truncated (unless NULL) to 1 if
 * the text did not fit, else to 0; text is cut between characters. A value that is not text is copied as empty. */
ALLOCTRACE_API size_t alloctrace_code_filename(const struct alloctrace_python *python, const void *code, char *buffer, size_t size,
                                               int *truncated);
ALLOCTRACE_API size_t alloctrace_code_name(const struct alloctrace_python *python, const void *code, char *buffer, size_t size,
                                           int *truncated);
ALLOCTRACE_API size_t alloctrace_code_qualname(const struct alloctrace_python *python, const void *code, char *buffer, size_t size,
                                               int *truncated);

/* Returns the line of the code object's "def", or a negative number if this is not a code object. */
ALLOCTRACE_API int32_t alloctrace_code_first_line(const struct alloctrace_python *python, const void *code);

/* ---- whole stacks ---- */

enum alloctrace_frame_flags {
    ALLOCTRACE_FILENAME_CUT = 1,
    ALLOCTRACE_NAME_CUT = 2,
    ALLOCTRACE_CODE_FREED = 4, /* the frame exists, but its code was freed: no names, no line */
};

/* One frame, copied: nothing in it is borrowed. */
struct alloctrace_frame {
    int32_t line;       /* negative if none */
    uint32_t flags;     /* enum alloctrace_frame_flags */
    char filename[256]; /* UTF-8, NUL-terminated, as name is */
    char name[128];     /* the qualified name from 3.11 on */
};

/* The result of alloctrace_stack_collect. Numbers count frames. */
struct alloctrace_stack {
    uint32_t count;   /* the number of frames stored, innermost first */
    uint32_t depth;   /* the number of complete frames; above count if the array was too small */
    uint32_t visited; /* the number of frames visited, including omitted ones */
    uint32_t endless; /* 1 if the hops were used up: the chain is corrupted */
};

/* Stores the innermost frames of a thread state in an array of the caller, at most capacity. With capacity 0, only determines the depth.
 * Returns result->count, which is 0 if thread_state is NULL. */
ALLOCTRACE_API uint32_t alloctrace_stack_collect(const struct alloctrace_python *python, const void *thread_state,
                                                 struct alloctrace_frame *frames, uint32_t capacity, struct alloctrace_stack *result);

/* A thread that has run Python code. */
struct alloctrace_thread_info {
    const void *thread_state; /* borrowed */
    int64_t interpreter;      /* its id; 0 is the main one */
    uint64_t thread;          /* pthread_t, threading.get_ident() */
    uint32_t os_id;           /* the system's id; 0 up to 3.10, which does not keep it */
    uint32_t is_own;          /* 1 for the calling thread */
};

/* Stores the thread states of all interpreters, newest first, as CPython lists them. Returns their number, which may be above capacity, or
 * 0 if there are none or the layout of this build's lists is not known. Reads the lists without their lock: see above about other threads
 * that run. */
ALLOCTRACE_API uint32_t alloctrace_threads_list(const struct alloctrace_python *python, struct alloctrace_thread_info *threads,
                                                uint32_t capacity);

/* ---- as text ---- */

/* Writes a stack to a file descriptor, byte for byte as faulthandler.dump_traceback(all_threads=False) of that CPython: at most 100 frames
 * and 500 characters of a name, in ASCII with escapes. Treats frames that have not begun like faulthandler of that release. Errors of write
 * are ignored. */
ALLOCTRACE_API void alloctrace_stack_print(const struct alloctrace_python *python, const void *thread_state, int descriptor);

/* Writes the stacks of all threads of the calling thread's interpreter, or else of the main one, as faulthandler.dump_traceback() does: at
 * most 100 threads, with their names from 3.14 on. Returns 0 on success, or a negative number without writing anything if the layout of
 * this build's thread list is not known. */
ALLOCTRACE_API int alloctrace_stacks_print(const struct alloctrace_python *python, int descriptor);

#ifdef __cplusplus
}
#endif

#endif

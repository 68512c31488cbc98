/* callstack.h: Python's call stack in pure C, for every CPython from 3.8 on: what CPython issue gh-148925 proposes, and prints like
 * faulthandler.
 *
 * Nothing here allocates, counts references, takes a lock or the GIL, sets an exception, changes errno or is a cancellation point (but
 * alloctrace_python_find, see there). Frames are read from memory; functions of CPython are called only to get the calling thread's state,
 * and those of the proposal where an interpreter exports them.
 *
 *     const struct alloctrace_python *python = alloctrace_python_find(0, NULL);     // once, early
 *     …
 *     uint32_t hops = ALLOCTRACE_MAX_HOPS;                                          // later, anywhere
 *     const void *frame = alloctrace_frame_innermost(python, alloctrace_thread_state_borrow(python, 0), &hops);
 *     for (; frame; frame = alloctrace_frame_caller(python, frame, &hops))
 *         … alloctrace_frame_line(python, frame) …
 *
 * Whose stack, and what is guaranteed:
 *
 * - The thread's own: sound, with the GIL or without, in an allocator hook too. Only this thread moves its chain, and frames keep their
 * code alive. In an allocator hook the stack is exactly what sys._getframe() would show.
 *
 * - The thread's own, from a signal handler: use alloctrace_python_careful. CPython 3.11 and 3.12 have a moment at each entry of the
 *   interpreter's loop in which the chain begins with an uninitialised pointer (faulthandler may crash there). Then there is no crash, and
 *   always an end. The stack may be that of a moment within a call or a return: a frame more or less, or, rarely, cut short where a
 *   generator is being left. The line of the innermost frame is the one that faulthandler would print.
 *
 * - Another thread's, which is stopped, or while the caller holds the GIL (not in free-threaded builds): sound.
 *
 * - Another thread's, which runs: use alloctrace_python_careful. What is read may be wrong, since frames and code objects are freed and
 * used again meanwhile, but each pointer is checked before it is followed. What remains is memory that is unmapped between the check and
 * the look. Freed memory is recognised under debug allocators (PYTHONMALLOC=debug), otherwise by luck.
 *
 * - During finalization other threads' states are being freed: alloctrace_thread_state_borrow gives NULL to all but the finalizing thread.
 *
 * Async-signal-safety: all functions but alloctrace_python_find only load and compute, and use system calls (process_vm_readv where
 * careful, write, open and read where they print), with one reservation: the calling thread's state is found with CPython's own functions,
 * which use pthread_getspecific (not on POSIX's list, but without locks in glibc) or, from 3.12 on, thread-local storage, which in a
 * libpython that was loaded with dlopen may be allocated at a thread's first use of it. A thread that has run Python code has used it.
 *
 * Borrowed pointers (thread states, frames, code objects: PyThreadState *, _PyInterpreterFrame * or to 3.10 PyFrameObject *, PyCodeObject
 * *) are valid as long as what they point to is on the chain. They are void here so that Python.h is not needed.
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

/* A CPython in this process. Never freed. */
struct alloctrace_python;

/* The CPython number index of this process, in the order in which the loader lists what is loaded; NULL: there are not so many, or it
 * cannot be walked. *reason (may be NULL) is then a static text, or NULL when there is simply no such CPython.
 *
 * The one function that looks things up: it takes the loader's lock. Call it in advance, not from a signal handler or an allocator; if
 * possible while holding the GIL with Python code running, for then the walk is compared with what CPython says itself. What it returned is
 * void once that library is unloaded. Any thread may call it. */
ALLOCTRACE_API const struct alloctrace_python *alloctrace_python_find(unsigned index, const char **reason);

/* The same CPython for use where pointers may not be trusted: before a structure is read, the system is asked whether it is there. That
 * costs 1 to 3 microseconds a frame. What is not there ends the stack, or comes out empty. Where the system does not let a process ask
 * about itself (a sandbox without process_vm_readv), this is python itself. May be called anywhere. */
ALLOCTRACE_API const struct alloctrace_python *alloctrace_python_careful(const struct alloctrace_python *python);

/* The calling thread's own state, whether it holds the GIL or not; NULL: it has none, or the interpreter finalizes in another thread.
 * holds_gil: not 0 when that is certain (as it is in an allocator of the domains mem and obj). It matters to 3.11 only, in
 * sub-interpreters, where the state of the thread is otherwise the main interpreter's. */
ALLOCTRACE_API const void *alloctrace_thread_state_borrow(const struct alloctrace_python *python, int holds_gil);

/* How many frames a walk may look at, those that are left out included; no chain is deeper that CPython made. */
#define ALLOCTRACE_MAX_HOPS 1000000u

/* The innermost complete frame of a thread state. Entry trampolines and frames that have not begun are left out, as tracebacks leave them
 * out. Each frame that is looked at takes one from *hops; at 0 the result is NULL: a chain that bites its tail ends. thread_state may be
 * NULL: then the result is. */
ALLOCTRACE_API const void *alloctrace_frame_innermost(const struct alloctrace_python *python, const void *thread_state, uint32_t *hops);

/* The next complete frame that called this one; NULL: there is none, the hops are used up, or the memory was freed. */
ALLOCTRACE_API const void *alloctrace_frame_caller(const struct alloctrace_python *python, const void *frame, uint32_t *hops);

/* The frame's code object, borrowed; NULL: it has none (an entry trampoline), or the memory is not a code object any more. */
ALLOCTRACE_API const void *alloctrace_frame_borrow_code(const struct alloctrace_python *python, const void *frame);

/* The line that the frame is on; negative: the instruction has none, or it lies outside the code. The instruction's offset is checked
 * against the bytecode before the line table is read. */
ALLOCTRACE_API int32_t alloctrace_frame_line(const struct alloctrace_python *python, const void *frame);

/* Copies co_filename, co_name or co_qualname (to 3.10: co_name) into the buffer, as UTF-8 with a NUL at the end (lone surrogates as three
 * bytes), and returns how many bytes that are without the NUL. size: of the buffer, at least 1. *truncated (may be NULL): 1 when it did not
 * fit; it is cut between characters. What is no text comes out empty. */
ALLOCTRACE_API size_t alloctrace_code_filename(const struct alloctrace_python *python, const void *code, char *buffer, size_t size,
                                               int *truncated);
ALLOCTRACE_API size_t alloctrace_code_name(const struct alloctrace_python *python, const void *code, char *buffer, size_t size,
                                           int *truncated);
ALLOCTRACE_API size_t alloctrace_code_qualname(const struct alloctrace_python *python, const void *code, char *buffer, size_t size,
                                               int *truncated);

/* The line of the code object's "def"; negative when it is none. */
ALLOCTRACE_API int32_t alloctrace_code_first_line(const struct alloctrace_python *python, const void *code);

/* ---- whole stacks ---- */

enum alloctrace_frame_flags {
    ALLOCTRACE_FILENAME_CUT = 1,
    ALLOCTRACE_NAME_CUT = 2,
    ALLOCTRACE_CODE_FREED = 4, /* there is a frame, but its code is gone: no names, no line */
};

/* One frame, with nothing borrowed in it. */
struct alloctrace_frame {
    int32_t line;   /* negative: none */
    uint32_t flags; /* enum alloctrace_frame_flags */
    char filename[256];
    char name[128]; /* the qualified name from 3.11 on */
};

struct alloctrace_stack {
    uint32_t count;   /* frames that were stored, innermost first */
    uint32_t depth;   /* complete frames in all: more than count when the array was too small */
    uint32_t visited; /* frames that were looked at, with those that are left out */
    uint32_t endless; /* 1: the hops were used up, so the chain is not what CPython made */
};

/* Stores the innermost frames of a thread state. capacity may be 0: then only the depth is found out. Returns result->count. */
ALLOCTRACE_API uint32_t alloctrace_stack_collect(const struct alloctrace_python *python, const void *thread_state,
                                                 struct alloctrace_frame *frames, uint32_t capacity, struct alloctrace_stack *result);

struct alloctrace_thread_info {
    const void *thread_state;
    int64_t interpreter; /* its id; 0 is the main one */
    uint64_t thread;     /* pthread_t, threading.get_ident() */
    uint32_t os_id;      /* the system's id; 0 to 3.10, which does not keep it */
    uint32_t is_own;     /* 1: the calling thread's */
};

/* Stores the thread states of all interpreters, newest first, as CPython lists them, and returns how many there are (which may be more
 * than capacity). The lists are read without their lock: see above about other threads that run. 0: there are none, or the lists' places
 * are not known for this build. */
ALLOCTRACE_API uint32_t alloctrace_threads_list(const struct alloctrace_python *python, struct alloctrace_thread_info *threads,
                                                uint32_t capacity);

/* ---- as text ---- */

/* Writes a stack to a descriptor in the very words of faulthandler.dump_traceback(all_threads=False) of that CPython: 100 frames at most,
 * 500 characters of a name, ASCII with escapes; and what faulthandler of that release does with frames that have not begun. */
ALLOCTRACE_API void alloctrace_stack_print(const struct alloctrace_python *python, const void *thread_state, int descriptor);

/* The same for all threads of the calling thread's interpreter, or of the main one, as faulthandler.dump_traceback(): 100 threads at most,
 * from 3.14 on with their names. Negative: their list's place is not known for this build; nothing was written. */
ALLOCTRACE_API int alloctrace_stacks_print(const struct alloctrace_python *python, int descriptor);

#ifdef __cplusplus
}
#endif

#endif

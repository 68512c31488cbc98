/* alloctrace.h: for programs that embed CPython and want to be recorded without being preloaded, or to say when.
 *
 * Link with -lalloctrace, or load liballoctrace.so (dlopen, ctypes, P/Invoke) and look these functions up. Recording is also what the
 * environment variable ALLOCTRACE switches on for a preloaded library: then the functions act on that recording.
 *
 * When to start: before the interpreter's first allocation (before Py_Initialize, Py_PreInitialize and PyMem_* calls), and nothing is
 * missed. Later is possible, from a thread that holds the GIL: blocks from before are not known, their frees are counted as such, and the
 * reports say that the interpreter was running already. CPythons that are loaded later are hooked if the library was preloaded or comes
 * before libc in the order of libraries; otherwise call alloctrace_start again once they are loaded, which hooks them.
 *
 * Threads: any thread may call any of these functions at any time, except as said. None of them runs Python code or takes the GIL. Not from
 * a signal handler, not from an allocator. alloctrace_start, alloctrace_start_from_env, alloctrace_stop and alloctrace_stop_async take the
 * dynamic loader's lock, as dlsym does: the caller must hold no lock that a constructor of a library waits for. None is a cancellation
 * point.
 *
 * Strings are char*, in UTF-8 or what the file system has. From Python's ctypes pass bytes (b"..." or os.fsencode(path)): a str is passed
 * as wchar_t*. Such a string is refused: a text of at most three bytes, at an address that four divides, after which come zeros to the
 * fourth byte and then another character in four bytes. Write "./ab" for a path for which that happens to be so.
 *
 * Results: 0 or a positive number when it was done, negative when not. Functions that can fail write one line to stderr which says why.
 */
#ifndef ALLOCTRACE_H
#define ALLOCTRACE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALLOCTRACE_API __attribute__((visibility("default")))

enum alloctrace_result {
    ALLOCTRACE_DONE = 0,
    ALLOCTRACE_OFF = 1,         /* the environment asks for no recording; nothing was done */
    ALLOCTRACE_FAILED = -1,     /* a line on stderr says why */
    ALLOCTRACE_NOT_RUNNING = -2 /* there is no recording */
};

/* Starts as the variables ALLOCTRACE and ALLOCTRACE_OPTIONS ask. ALLOCTRACE_OFF: they do not. While a recording runs: hooks CPythons that
 * came since, and is done. */
ALLOCTRACE_API int alloctrace_start_from_env(void);

/* Starts. path: what ALLOCTRACE would be (a database, or a folder for sessions). options: what ALLOCTRACE_OPTIONS would be ("frames=64,…"),
 * or NULL. Both are copied. While a recording runs: hooks CPythons that came since, and is done; path and options are not looked at. */
ALLOCTRACE_API int alloctrace_start(const char *path, const char *options);

/* Ends the recording: the hooks are taken out where nobody else has hooked on top of them (there they stay, and pass the calls on), and the
 * collector completes the database, which is waited for. The program goes on. A later start begins a new recording, which does not know
 * the blocks that are alive by then. What the recording had mapped is given back, unless a thread did not run for a second and may be
 * within a hook. */
ALLOCTRACE_API int alloctrace_stop(void);

/* The same without waiting for the database: it is complete when the session's file is gone. */
ALLOCTRACE_API int alloctrace_stop_async(void);

/* Takes a snapshot of what is alive, under a name of up to 65528 bytes of UTF-8: `alloctrace top FILE.db --at NAME`. What this thread did
 * before is in it. The recording must have seen an allocation. */
ALLOCTRACE_API int alloctrace_snapshot(const char *name);

/* Waits until a collector has everything that was recorded before the call, for at most so many milliseconds. ALLOCTRACE_FAILED: it has
 * not, or there is none. */
ALLOCTRACE_API int alloctrace_flush(uint32_t milliseconds);

/* What is going on. Sizes are bytes. */
struct alloctrace_status {
    uint32_t size;           /* of this structure; set it before the call */
    uint32_t is_recording;   /* 1: hooks record, or will with the first allocation */
    uint32_t has_session;    /* 1: something was recorded */
    uint32_t runtimes;       /* CPythons that are hooked */
    uint32_t without_stacks; /* of these, those whose allocations are recorded without stacks */
    uint32_t collector_pid;  /* the process that drains; 0: nobody does */
    uint64_t session_bytes;  /* the size of the session file */
    uint64_t lost_events;    /* events that found no room */
    char session_path[4096];
};

ALLOCTRACE_API int alloctrace_get_status(struct alloctrace_status *status);

#ifdef __cplusplus
}
#endif

#endif

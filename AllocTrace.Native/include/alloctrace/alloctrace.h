/* alloctrace.h: lets a program that embeds CPython record itself, and choose when.
 *
 * Link with -lalloctrace, or load liballoctrace.so (dlopen, ctypes, P/Invoke) and look these functions up. If the library was preloaded and
 * the environment variable ALLOCTRACE started a recording, the functions act on that recording.
 *
 * Start before the interpreter's first allocation (before Py_Initialize, Py_PreInitialize and PyMem_* calls). Then nothing is missed. A
 * later start requires a thread that holds the GIL. Blocks from before it are not known, their frees are counted as such, and reports say
 * that the interpreter was already running. CPythons that are loaded later are hooked if the library was preloaded or comes before libc in
 * the order of libraries. Otherwise call alloctrace_start again after they are loaded.
 *
 * Threads: any thread may call any of these functions at any time, unless stated otherwise. None runs Python code, takes the GIL or is a
 * cancellation point. They must not be called from a signal handler or from an allocator. alloctrace_start, alloctrace_start_from_env,
 * alloctrace_stop and alloctrace_stop_async take the dynamic loader's lock, as dlsym does: the caller must hold no lock that the
 * constructor of a library waits for.
 *
 * Strings are char*, in UTF-8 or the encoding of the file system. From Python's ctypes pass bytes (b"..." or os.fsencode(path)), because a
 * str is passed as wchar_t*. A string that looks like a wide one is refused: at most three bytes at an address that is a multiple of four,
 * followed by zeros up to the fourth byte and by another character in four bytes. If a short path is refused by accident, write "./ab".
 *
 * Ownership: the library copies every string that it is given, and the caller keeps its own. No function returns memory.
 *
 * Results: 0 or a positive number on success, negative on failure (enum alloctrace_result). Functions that return ALLOCTRACE_FAILED write
 * the reason to stderr, in one line, except after a timeout of alloctrace_flush or for lack of room.
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
    ALLOCTRACE_OFF = 1,         /* the environment requests no recording; nothing was done */
    ALLOCTRACE_FAILED = -1,     /* the request cannot be fulfilled; stderr has the reason, in one line */
    ALLOCTRACE_NOT_RUNNING = -2 /* there is no recording */
};

/* Starts the recording that the variables ALLOCTRACE and ALLOCTRACE_OPTIONS request. Returns ALLOCTRACE_OFF if they request none, otherwise
 * the same as alloctrace_start. While a recording runs, only hooks the CPythons that were loaded since, and returns ALLOCTRACE_DONE. */
ALLOCTRACE_API int alloctrace_start_from_env(void);

/* Starts a recording. path is a database, or a folder for sessions, as in ALLOCTRACE. options is a list as in ALLOCTRACE_OPTIONS
 * ("frames=64,…"), or NULL for the defaults. Returns ALLOCTRACE_DONE, or ALLOCTRACE_FAILED if path is NULL or empty, an option is wrong or
 * the session cannot be made: the program then runs unrecorded. While a recording runs, only hooks the CPythons that were loaded since, and
 * returns ALLOCTRACE_DONE; path and options are ignored. Blocks while another thread starts or stops the recording. */
ALLOCTRACE_API int alloctrace_start(const char *path, const char *options);

/* Ends the recording and blocks until the collector has completed the database, for ten seconds at most. The program continues. Returns
 * ALLOCTRACE_DONE, or ALLOCTRACE_NOT_RUNNING if there is no recording. Removes the hooks; hooks under another tool's hooks stay and only
 * forward the calls. A later start begins a new recording, which does not know the blocks that are live by then. Unmaps the recording's
 * memory, unless a thread did not run for a second and may still be within a hook. */
ALLOCTRACE_API int alloctrace_stop(void);

/* Ends the recording like alloctrace_stop, with the same results, but does not wait for the collector. The database is complete when the
 * session's file is gone. */
ALLOCTRACE_API int alloctrace_stop_async(void);

/* Leaves what the calling thread allocates out of the recording, from now on and for good. For threads of the program that serve the
 * recording, as a collector does. Does nothing before the first recording has begun. */
ALLOCTRACE_API void alloctrace_leave_out_thread(void);

/* Takes a named snapshot of the live blocks, for `alloctrace top FILE.db --at NAME`. The name is UTF-8 and cut after 65528 bytes; names may
 * repeat. Includes everything that the calling thread did before. Does not wait for the collector. Returns ALLOCTRACE_DONE,
 * ALLOCTRACE_NOT_RUNNING if no allocation has been recorded yet, or ALLOCTRACE_FAILED if the session has no room for the name. */
ALLOCTRACE_API int alloctrace_snapshot(const char *name);

/* Takes a named snapshot like alloctrace_snapshot, with the types and holders of its blocks (docs/objects.md). The calling thread must hold
 * the GIL. Makes a copy of the process, which takes milliseconds; the collector reads the copy afterwards. Returns the same as
 * alloctrace_snapshot, and ALLOCTRACE_FAILED also if there can be no copy, or the collector still reads the last one: the snapshot is then
 * taken without types. */
ALLOCTRACE_API int alloctrace_snapshot_objects(const char *name);

/* Blocks until a collector has drained everything that was recorded before the call, at most for the given milliseconds. Returns
 * ALLOCTRACE_DONE, ALLOCTRACE_NOT_RUNNING if nothing has been recorded yet, or ALLOCTRACE_FAILED after the time, for lack of a collector
 * for example. Do not hold the GIL meanwhile if other threads need it. */
ALLOCTRACE_API int alloctrace_flush(uint32_t milliseconds);

/* The state of the recording in this process. */
struct alloctrace_status {
    uint32_t size;           /* bytes of this structure; the caller sets it before the call */
    uint32_t is_recording;   /* 1 if the hooks record, or will from the first allocation on */
    uint32_t has_session;    /* 1 if there is a session */
    uint32_t runtimes;       /* the number of hooked CPythons */
    uint32_t without_stacks; /* the number of these whose allocations are recorded without stacks */
    uint32_t collector_pid;  /* the collector's pid, or 0 if there is none */
    uint64_t session_bytes;  /* bytes of the session file */
    uint64_t lost_events;    /* the number of events that were lost for lack of room */
    char session_path[4096]; /* the path of the session file, NUL-terminated, in the encoding of the file system; empty if there is none */
};

/* Fills the first status->size bytes of *status, which the caller owns: structures of other versions may be shorter or longer. Always
 * returns ALLOCTRACE_DONE. */
ALLOCTRACE_API int alloctrace_get_status(struct alloctrace_status *status);

#ifdef __cplusplus
}
#endif

#endif

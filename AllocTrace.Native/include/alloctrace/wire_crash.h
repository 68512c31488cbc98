/* wire_crash.h: defines what is in a session's extent CRASH (wire.h). AllocTrace/Wire/Crash*.cs mirror it. */
#ifndef ALLOCTRACE_WIRE_CRASH_H
#define ALLOCTRACE_WIRE_CRASH_H

#include <stdint.h>

/* The report of a fatal signal. Each count is stored after the items that it counts, so an interrupted report is valid up to there.
 *
 *   offset 0    struct alloctrace_crash
 *   then        ALLOCTRACE_CRASH_THREADS of struct alloctrace_crash_thread, the thread of the signal first
 *   then        ALLOCTRACE_CRASH_ALLOCATIONS of struct alloctrace_crash_allocation, the last one first
 *   then        ALLOCTRACE_CRASH_FRAMES of struct alloctrace_crash_frame, those of a thread together, innermost first
 *   then        ALLOCTRACE_CRASH_C_FRAMES of struct alloctrace_crash_c_frame, the C stack of the thread of the signal, innermost first
 *   then        text, to the end of the extent: uint32 length, then that many bytes of UTF-8, padded to 4; a reference is an offset in the
 * text
 */
enum {
    ALLOCTRACE_CRASH_THREADS = 128,
    ALLOCTRACE_CRASH_ALLOCATIONS = 64,
    ALLOCTRACE_CRASH_FRAMES = 8192,
    ALLOCTRACE_CRASH_THREAD_FRAMES = 1024, /* the largest number of frames of one thread */
    ALLOCTRACE_CRASH_C_FRAMES = 256,
};

enum alloctrace_crash_state {
    ALLOCTRACE_CRASH_NONE = 0,
    ALLOCTRACE_CRASH_WRITING = 1, /* the handler did not finish */
    ALLOCTRACE_CRASH_WRITTEN = 2,
};

struct alloctrace_crash {
    _Alignas(64) uint32_t state;
    uint32_t signal;
    int32_t code;           /* si_code: above 0 the kernel's own, otherwise somebody sent it */
    uint32_t os_id;         /* of the thread that got it */
    uint64_t address;       /* si_addr of SIGSEGV, SIGBUS, SIGFPE and SIGILL; 0 when the signal was sent */
    uint64_t at_ns;         /* CLOCK_MONOTONIC */
    uint32_t sender_pid;    /* of a signal that was sent; else 0 */
    uint32_t nested_signal; /* a fault while this was being written; else 0. What was being read then is missing. */
    uint32_t collecting;    /* 1 during a garbage collection in the interpreter of that thread */
    uint32_t threads;
    uint32_t threads_in_all; /* more than threads: there was no room */
    uint32_t allocations;
    uint32_t frames;
    uint32_t text_bytes;
    uint32_t c_frames;
    uint32_t c_is_cut; /* 1: there are more C frames, without room here or without a rule that leads to them */
    uint32_t reserved[10];
};

struct alloctrace_crash_thread {
    uint64_t identifier; /* pthread_t */
    int64_t interpreter; /* id */
    uint32_t os_id;      /* 0: not known (to 3.10) */
    uint32_t runtime;    /* index in alloctrace_session.runtime[]; UINT32_MAX: the thread has no Python state */
    uint32_t first_frame;
    uint32_t frames;
    uint32_t depth; /* frames in all */
    uint32_t flags; /* enum alloctrace_crash_thread_flags */
    char name[16];  /* the system's name for it, NUL padded */
};

enum alloctrace_crash_thread_flags {
    ALLOCTRACE_CRASH_THREAD_CRASHED = 1, /* it got the signal */
    ALLOCTRACE_CRASH_THREAD_FAULTED = 2, /* reading its stack faulted: only the frames before that are there */
};

struct alloctrace_crash_frame {
    uint32_t filename, function; /* text */
    int32_t line;                /* negative: none */
    uint32_t reserved;
};

struct alloctrace_crash_c_frame {
    uint64_t address; /* of the instruction that failed, or of one byte before the return address: within the call */
    uint64_t offset;  /* of that byte in the file */
    uint32_t path;    /* text: the file, or a name such as [vdso]; empty: made at run time, or no code */
    uint32_t
        python_frames; /* of a loop of the interpreter: how many frames of the thread it runs, with all inside of them; 0: it is none */
};

struct alloctrace_crash_allocation {
    uint64_t address;
    uint64_t size;
    uint32_t kind;   /* enum alloctrace_record_kind: MALLOC, CALLOC, REALLOC or FREE */
    uint32_t domain; /* enum alloctrace_domain */
    uint32_t stack;  /* node; 0 for FREE */
    uint32_t reserved;
};

#define ALLOCTRACE_CRASH_THREADS_OFFSET 128u
#define ALLOCTRACE_CRASH_ALLOCATIONS_OFFSET                                                                                                \
    (ALLOCTRACE_CRASH_THREADS_OFFSET + ALLOCTRACE_CRASH_THREADS * (uint32_t)sizeof(struct alloctrace_crash_thread))
#define ALLOCTRACE_CRASH_FRAMES_OFFSET                                                                                                     \
    (ALLOCTRACE_CRASH_ALLOCATIONS_OFFSET + ALLOCTRACE_CRASH_ALLOCATIONS * (uint32_t)sizeof(struct alloctrace_crash_allocation))
#define ALLOCTRACE_CRASH_C_FRAMES_OFFSET                                                                                                   \
    (ALLOCTRACE_CRASH_FRAMES_OFFSET + ALLOCTRACE_CRASH_FRAMES * (uint32_t)sizeof(struct alloctrace_crash_frame))
#define ALLOCTRACE_CRASH_TEXT_OFFSET                                                                                                       \
    (ALLOCTRACE_CRASH_C_FRAMES_OFFSET + ALLOCTRACE_CRASH_C_FRAMES * (uint32_t)sizeof(struct alloctrace_crash_c_frame))

#endif

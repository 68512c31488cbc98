/* wire.h: defines the layout of a session file, the only thing that the traced process and the collector share.
 *
 * A session is the recording of one process. It is a file in shared memory that the traced process maps, grows and writes, and that a
 * collector maps and reads while it grows. Nothing in it is a pointer; all integers are in the byte order of the machine (a session
 * never leaves it). The prose is docs/wire-format.md; AllocTrace/Wire mirrors every structure, and a test compares the two.
 *
 *   offset 0        struct alloctrace_session, then the kind of each extent, one byte each (ALLOCTRACE_HEADER_BYTES in all)
 *   then            extents of ALLOCTRACE_EXTENT_BYTES, in the order in which they were needed
 *
 * The k-th extent of a kind continues the (k-1)-th: together they are one array of that kind, numbered from 0.
 *   THREADS  struct alloctrace_thread      one for each thread that allocated
 *   SLABS    slabs of ALLOCTRACE_SLAB_BYTES: struct alloctrace_slab, then records
 *   NODES    struct alloctrace_node        the trie of stacks: a stack is the number of its innermost node
 *   CODES    struct alloctrace_code        a code object's names, once for each distinct content
 *   CRASH    struct alloctrace_crash          at most one extent, with the option crash: written by the handler of a fatal signal
 *   MEMORY   uint64 words: accounts of the process's mappings (enum alloctrace_memory_item), written when one is wanted
 *   IMAGES   struct alloctrace_image       with the option native=stacks: mappings of files with code
 *   C_FRAMES struct alloctrace_c_frame     and the trie of C stacks
 *   STRINGS  uint32 length, then that many bytes of UTF-8, padded to 4; a reference is the byte offset of the length. A string does not
 *            cross an extent. Lone surrogates are encoded like other code points (three bytes).
 *
 * Who writes what: the traced process writes everything except the members marked "collector". Every counter that announces content is
 * stored with release semantics after that content; readers load it with acquire semantics first.
 */
#ifndef ALLOCTRACE_WIRE_H
#define ALLOCTRACE_WIRE_H

#include <stdint.h>

#include "alloctrace/wire_c_stacks.h"
#include "alloctrace/wire_crash.h"
#include "alloctrace/wire_memory.h"

#define ALLOCTRACE_MAGIC UINT64_C(0x43525420434F4C41) /* the bytes "ALOC TRC" */
#define ALLOCTRACE_WIRE_VERSION 4u

#define ALLOCTRACE_HEADER_BYTES 65536u
#define ALLOCTRACE_EXTENT_BYTES 262144u
#define ALLOCTRACE_SLAB_BYTES 65536u
#define ALLOCTRACE_EXTENT_KINDS_OFFSET 4096u /* within the header: one byte for each extent */
#define ALLOCTRACE_MAX_EXTENTS (ALLOCTRACE_HEADER_BYTES - ALLOCTRACE_EXTENT_KINDS_OFFSET)
#define ALLOCTRACE_MAX_STRING_BYTES 65528u

enum alloctrace_extent_kind {
    ALLOCTRACE_EXTENT_NONE = 0,
    ALLOCTRACE_EXTENT_THREADS = 1,
    ALLOCTRACE_EXTENT_SLABS = 2,
    ALLOCTRACE_EXTENT_NODES = 3,
    ALLOCTRACE_EXTENT_CODES = 4,
    ALLOCTRACE_EXTENT_STRINGS = 5,
    ALLOCTRACE_EXTENT_CRASH = 6,
    ALLOCTRACE_EXTENT_MEMORY = 7,
    ALLOCTRACE_EXTENT_IMAGES = 8,
    ALLOCTRACE_EXTENT_C_FRAMES = 9,
    ALLOCTRACE_EXTENT_KINDS = 10,
};

enum alloctrace_phase {
    ALLOCTRACE_PHASE_RECORDING = 1,
    ALLOCTRACE_PHASE_FINALIZING = 2, /* the interpreter began to finalize */
    ALLOCTRACE_PHASE_ENDED = 3,      /* the process exited; a killed process never gets here */
    ALLOCTRACE_PHASE_STOPPED = 4,    /* the recording was stopped; the process continues */
};

enum alloctrace_done {
    ALLOCTRACE_DONE_COLLECTED = 1, /* the session is in a database, or will be */
    ALLOCTRACE_DONE_LEFT = 2,      /* the collector could not write one: the session is left for another collector */
};

enum alloctrace_stacks {
    ALLOCTRACE_STACKS_UNDECIDED = 0, /* no Python frame was seen yet */
    ALLOCTRACE_STACKS_ON = 1,
    ALLOCTRACE_STACKS_OFF = 2, /* stacks_reason has the reason */
};

/* Option native: what is recorded of allocations that do not come by PyMem_*. */
enum alloctrace_native {
    ALLOCTRACE_NATIVE_OFF = 0,
    ALLOCTRACE_NATIVE_MALLOC = 1, /* the calls of malloc's and mmap's families, with Python stacks */
    ALLOCTRACE_NATIVE_STACKS = 2, /* the same, with C stacks */
};

/* The ways in which those calls come to the library. */
enum alloctrace_native_reach {
    ALLOCTRACE_REACH_NONE = 0,       /* they do not (yet) */
    ALLOCTRACE_REACH_BY_NAME = 1,    /* liballoctrace-native.so was preloaded, and the loader's first definition of malloc is its own */
    ALLOCTRACE_REACH_REDIRECTED = 2, /* only from the images whose imports were redirected */
};

enum alloctrace_on_full { ALLOCTRACE_ON_FULL_WAIT = 0, ALLOCTRACE_ON_FULL_DROP = 1 };

/* The largest number of CPythons in a process. Entry k describes the k-th one found; it is reused after that one was unloaded. */
enum { ALLOCTRACE_RUNTIMES = 8 };

enum alloctrace_found {
    ALLOCTRACE_FOUND_AT_LOAD = 1, /* when this library was loaded: the executable, or a library that it is linked with */
    ALLOCTRACE_FOUND_DLSYM = 2,   /* when the host looked up a symbol, after it had loaded a library */
    ALLOCTRACE_FOUND_GETENV = 3,  /* when CPython itself asked for one of its environment variables */
    ALLOCTRACE_FOUND_START = 4,   /* when the host asked for the recording (alloctrace.h) */
};

struct alloctrace_runtime {
    uint64_t hooked_ns;       /* CLOCK_MONOTONIC */
    uint32_t library;         /* string: the file that it is in; empty for the executable */
    uint32_t version;         /* string, as Py_GetVersion() gives it */
    uint32_t hex;             /* PY_VERSION_HEX, or 0 when only major.minor.micro could be parsed from the version string */
    uint32_t found;           /* enum alloctrace_found */
    uint32_t was_initialized; /* 1 if it was already running when found: earlier allocations are not known */
    uint32_t stacks;          /* enum alloctrace_stacks */
    uint32_t stacks_reason;   /* string */
    uint32_t reserved0;
};

/* Domains of a record. Tracked domains are those that an extension names in PyTraceMalloc_Track; tracked_domain[] has their numbers. Its
 * domain 0 is Python's own: RAW. Those beyond the first few share OTHERS, where bits 48 to 55 of an address tell one from another. With the
 * option native, a tracked block at the address of a live block of the C heap is that block: it changes its domain, and the end of either
 * is the end of both. */
enum alloctrace_domain {
    ALLOCTRACE_DOMAIN_RAW = 0,
    ALLOCTRACE_DOMAIN_MEM = 1,
    ALLOCTRACE_DOMAIN_OBJ = 2,
    ALLOCTRACE_DOMAIN_TRACKED = 3, /* the first of them */
    ALLOCTRACE_DOMAIN_MALLOC = 13, /* the C heap, with the option native; one address space with RAW, MEM and OBJ */
    ALLOCTRACE_DOMAIN_MMAP = 14,   /* mappings that may be written to, with the option native; a block may lose parts (UNMAP) */
    ALLOCTRACE_DOMAIN_OTHERS = 15,
    ALLOCTRACE_DOMAINS = 16,
};

/* The session's header. Strings are references into STRINGS; 0 is "none" (the first string, at 0, is the empty one). */
struct alloctrace_session {
    _Alignas(64) uint64_t magic; /* stored last: a file without it is not a session yet */
    uint32_t version;
    uint32_t header_bytes, extent_bytes, slab_bytes;
    uint32_t pid, parent_pid;
    uint64_t pid_started;     /* start of the process in clock ticks since boot (/proc/PID/stat, field 22): tells a reused pid */
    uint64_t started_ns;      /* CLOCK_REALTIME when the session was made */
    uint64_t started_mono_ns; /* CLOCK_MONOTONIC at the same moment: all other times are on this clock */
    uint64_t ended_mono_ns;   /* 0 until the exit handlers ran */
    uint64_t sample_bytes;    /* options in force; 0: every allocation is recorded */
    uint64_t limit_bytes;
    uint32_t max_frames, on_full;
    uint32_t command_line;                       /* string; arguments separated by NUL */
    uint32_t executable;                         /* string */
    uint32_t phase;                              /* enum alloctrace_phase */
    uint32_t tracked_domain[ALLOCTRACE_DOMAINS]; /* by record domain; 0 below ALLOCTRACE_DOMAIN_TRACKED */
    uint32_t fork_parent_pid;                    /* of a forked child: its parent's pid; else 0 */
    uint32_t runtimes;                           /* the number of entries of runtime[] in use */
    uint32_t interpreters;                       /* the number of sub-interpreters seen: nodes with ALLOCTRACE_CODE_INTERPRETER */
    uint64_t fork_number; /* and the argument of the FORK mark in the parent's records at which the child began; 0: not known */
    struct alloctrace_runtime runtime[ALLOCTRACE_RUNTIMES];
    uint64_t events_bytes; /* option: the largest log of events that the collector keeps, bytes as written; 0: none */

    /* The number of elements of each array that may be read. */
    _Alignas(64) uint32_t extents;
    uint32_t threads;
    uint32_t slabs;
    uint32_t nodes;
    uint32_t codes;
    uint32_t string_bytes;

    /* Losses. */
    uint64_t lost_stacks;      /* allocations recorded with ALLOCTRACE_NODE_DROPPED: no room for the stack, or it does not end */
    uint64_t cut_stacks;       /* stacks whose oldest frames were left out (option frames) */
    uint64_t unslotted_events; /* events of threads for which no thread slot could be made */

    /* The order of batches: (ticket << 20 | thread slot) of the last writer. A thread that does not find itself here starts a batch. While
     * ALLOCTRACE_ORDER_REQUEST is set too, no thread finds itself here: each looks at copy_wanted and copy_state. */
    _Alignas(64) uint64_t order;

    /* The stack of free slabs: (tag << 32 | slab + 1), 0 in the low half when empty; alloctrace_slab.next_free links them. Popped by the
     * traced process, pushed by the collector; the tag grows with every change. */
    _Alignas(64) uint64_t free_slabs;

    _Alignas(64) uint32_t collector_pid; /* collector; 0 if there is none */
    uint32_t collector_attached;         /* collector; the number of collectors attached so far */
    uint64_t collector_beat_ns;          /* collector; CLOCK_MONOTONIC of its last look */
    uint64_t released_slabs;             /* collector; the number of slabs released so far */
    uint32_t collector_done;             /* collector; enum alloctrace_done, once a process that ends need not wait for it any longer */
    uint32_t
        live_course; /* watcher: 1: what is written next beside the session has the peak, snapshots and time slices too; collector: 0 */
    uint64_t collector_journal; /* collector; names the journal beside the session, with what was taken out of it; 0: there is none;
                                   UINT64_MAX: what was taken out is in a database */

    uint64_t live_wanted_ns;  /* watcher (`alloctrace live`): CLOCK_MONOTONIC of its last look; while that is recent, the collector
                                 regularly writes the live blocks beside the session */
    uint64_t live_written_ns; /* collector; time of its last write */

    /* A named snapshot that another process requests (`alloctrace snapshot`). The collector takes it at the record that it has reached. */
    _Alignas(64) uint32_t reserved2;
    uint32_t requested;         /* counts the requests; stored after the name */
    uint32_t answered;          /* collector; the number of the last request answered */
    uint32_t requested_objects; /* 1: with the types and holders of its blocks; stored before requested */
    char requested_name[240];   /* UTF-8, NUL padded */

    /* The namespaces in which pid, pid_started and all times but started_ns count: the numbers of /proc/self/ns/pid and time. 0: not known.
     * A process in other namespaces cannot use its own /proc to look them up (docs/wire-format.md, "Whether the process lives"). */
    _Alignas(64) uint64_t pid_namespace;
    uint64_t time_namespace;

    uint32_t native;       /* option: enum alloctrace_native */
    uint32_t native_reach; /* enum alloctrace_native_reach */
    uint32_t native_past;  /* string: the images whose calls go past the library, separated by newlines */
    uint32_t images;       /* the number of elements that may be read, like those above */
    uint32_t c_frames;
    uint32_t reserved3;
    uint64_t memory_words;     /* of the array MEMORY that may be read: whole accounts only */
    uint64_t memory_wanted_ns; /* watcher (`alloctrace memory PID`): like live_wanted_ns; while it is recent, what the collector writes
                                  beside the session has an account of resident memory */
    uint64_t own_mappings; /* an address in the process: address and size of each anonymous mapping of the library, 1,024 pairs; 0: none */
    uint64_t cut_c_stacks; /* allocations whose C stack ends at code that does not say how to leave it, or has no room */
    uint64_t unplaced_c_stacks; /* allocations in Python code whose C stack shows no interpreter loop: all of it is innermost */

    /* A copy of the process. The collector stores copy_wanted, then sets ALLOCTRACE_ORDER_REQUEST in order. */
    _Alignas(64) uint32_t copy_wanted; /* collector: enum alloctrace_copy_wanted until a thread takes it up by storing 0 */
    uint32_t copy_state;               /* enum alloctrace_copy_state */
    uint32_t copy_pid;                 /* in the process's pid namespace */
    uint32_t copy_ends;                /* collector: 1 tells the copy itself to end */
    uint32_t copy_error;      /* errno of the clone; ENOTSUP: no GIL, several threads; ENODATA: sampled; ENOMEM also: memory is short;
                                 EBUSY: another copy was still being read at the end */
    uint32_t objects_at_peak; /* option: the collector asks for copies as live memory reaches new peaks */
    uint64_t copy_pause_ns;   /* how long the last copy held up the thread that made it, by its own clock */
    char answered_note[216];  /* collector: UTF-8, NUL padded: what it says of the objects of the request that it answers */

    uint64_t unread_contexts; /* samples of threads whose trace context (ALLOCTRACE_RECORD_CONTEXT) could not be read */
};

/* Bytes of the file that processes lock (fcntl, F_OFD_SETLK). Such a lock is known in every namespace and ends with its holder. */
enum alloctrace_lock {
    ALLOCTRACE_LOCK_COLLECTOR = 0, /* the one process that drains the session */
    ALLOCTRACE_LOCK_REQUEST = 1,   /* the one that asks for a snapshot */
};

/* One thread. Slots are used again when thread and collector are both done with them. */
struct alloctrace_thread {
    _Alignas(64) uint64_t cursor; /* stream position after the last committed record: slab's sequence number * slab bytes + offset in it */
    uint64_t stack;               /* an address on the thread's stack */
    uint32_t state;               /* enum alloctrace_thread_state */
    uint32_t first_slab;          /* slab with sequence number 0 */
    uint32_t os_id;
    uint32_t incarnation; /* the number of earlier uses of the slot */
    uint64_t started_ns, ended_ns;
    char name[16]; /* the system's name for it, NUL padded, when it was last looked at */

    _Alignas(64) uint64_t drained; /* collector: stream position up to which records were replayed */
    uint32_t drained_slab;         /* collector: the slab of that position */
    uint32_t reserved1;
    uint64_t lost_events; /* by this thread, in all; LOST records say when */
    uint64_t descriptor;  /* pthread_self(): the C library keeps it at the upper end of the stack, except the main thread's */
    uint64_t reserved2[4];
};

enum alloctrace_thread_state {
    ALLOCTRACE_THREAD_FREE = 0, /* collector stores it after ENDED, when everything was drained */
    ALLOCTRACE_THREAD_LIVE = 1,
    ALLOCTRACE_THREAD_ENDED = 2,    /* nothing more will be written */
    ALLOCTRACE_THREAD_RESERVED = 3, /* being made; nothing was written yet */
};

struct alloctrace_slab {
    uint32_t thread;
    uint32_t sequence;  /* 0, 1, 2 … in the thread's stream */
    uint32_t next;      /* the thread's next slab, valid once the thread's cursor is beyond this one */
    uint32_t used;      /* bytes used, header included; valid like next */
    uint32_t next_free; /* slab + 1 */
    uint32_t reserved0;
    uint64_t started_ns;
    uint64_t ticket; /* of the batch in which it was begun */
    uint64_t reserved1[3];
};

/* Stacks. Node 0 is "no Python frame"; node 1 "a stack that could not be kept". Keys are unique: (parent, code, line).
 *
 * The stacks of a sub-interpreter are below a node of its own, which is no frame: parent 0, code ALLOCTRACE_CODE_INTERPRETER, line the
 * interpreter's id. Without a Python frame, such a node is the stack. Stacks of the main interpreter (id 0) have no such node. */
enum { ALLOCTRACE_NODE_NONE = 0, ALLOCTRACE_NODE_DROPPED = 1, ALLOCTRACE_FIRST_NODE = 2 };
#define ALLOCTRACE_CODE_INTERPRETER UINT32_MAX

struct alloctrace_node {
    uint32_t parent; /* the caller's node */
    uint32_t code;
    uint32_t line; /* 0: the instruction has no line */
    uint32_t reserved0;
};

/* The expression that allocated on the innermost line (CPython 3.11 and later) is a node below the line's, and not a frame. Its code is
 * ALLOCTRACE_CODE_EXPRESSION. Its line has the expression's first column in the low 12 bits, the exclusive end column in the next 12, both
 * plus 1 and in bytes of UTF-8, and above them the number of lines from its first to its last. An expression that does not fit has no
 * node. */
#define ALLOCTRACE_CODE_EXPRESSION (UINT32_MAX - 1)
#define ALLOCTRACE_NO_EXPRESSION 0u
#define ALLOCTRACE_COLUMN_BITS 12
#define ALLOCTRACE_COLUMN_MASK ((1u << ALLOCTRACE_COLUMN_BITS) - 1)

/* With the option native=stacks (docs/c-stacks.md).
 *
 * ENTRY says that C called the interpreter there: not a frame, line 0; from CPython 3.12 on, except for the outermost call. NATIVE is below
 * the stack's innermost Python node (or NONE): its line is the innermost C segment, a number in C_FRAMES. OUTER is below a NATIVE (or,
 * without one, where that would be), if there are segments outside of the interpreter's innermost loop: its line is a number in C_FRAMES,
 * too. */
#define ALLOCTRACE_CODE_NATIVE (UINT32_MAX - 2)
#define ALLOCTRACE_CODE_OUTER (UINT32_MAX - 3)
#define ALLOCTRACE_CODE_ENTRY (UINT32_MAX - 4)
#define ALLOCTRACE_FIRST_SPECIAL_CODE ALLOCTRACE_CODE_ENTRY /* this one and all above are no code */

struct alloctrace_code {
    uint32_t filename, name, qualname; /* strings; qualname equals name before CPython 3.11 */
    uint32_t first_line;
};

/* Records. The first word is kind << 60 | domain << 56 | operand (56 bits: an address unless said otherwise). A record is 8, 16, 24
 * or 32 bytes and does not cross a slab. */
enum alloctrace_record_kind {
    ALLOCTRACE_RECORD_NONE = 0,    /* never written */
    ALLOCTRACE_RECORD_MALLOC = 1,  /* 16: stack << 32 | size, written after the real call */
    ALLOCTRACE_RECORD_CALLOC = 2,  /* 16: the same */
    ALLOCTRACE_RECORD_REALLOC = 3, /* 16: the same; the new block, or address 0 if sampling left it out; ends the thread's REALLOC_BEGIN of
                                    * that domain, if there is one */
    ALLOCTRACE_RECORD_FREE = 4,    /* 8: written before the real free */
    ALLOCTRACE_RECORD_REALLOC_BEGIN =
        5, /* 8: the old block, written before the real call; until the end the block is neither live nor freed */
    ALLOCTRACE_RECORD_REALLOC_FAILED = 6, /* 8: the old block is unchanged */
    ALLOCTRACE_RECORD_BATCH = 7,          /* 16: operand is the ticket; CLOCK_MONOTONIC ns */
    ALLOCTRACE_RECORD_MARK = 8,           /* 16: domain is enum alloctrace_mark, operand its argument; CLOCK_MONOTONIC ns */
    ALLOCTRACE_RECORD_MALLOC_WIDE = 9,    /* 24: stack << 32; size: for sizes of 4 GiB and more */
    ALLOCTRACE_RECORD_CALLOC_WIDE = 10,
    ALLOCTRACE_RECORD_REALLOC_WIDE = 11,
    ALLOCTRACE_RECORD_LOST = 12,    /* 24: operand is the number of this thread's events that are missing here; first and last time, ns */
    ALLOCTRACE_RECORD_AGE = 13,     /* 8: operand is the number of allocations of the thread since the one whose block its next FREE or
                                     * REALLOC_BEGIN ends; only when sampling, and only for blocks of the same thread */
    ALLOCTRACE_RECORD_UNMAP = 14,   /* 16: domain MMAP, the address; the length. Ends what of mappings lies there. Written before the real
                                     * call: REALLOC follows after mremap, REALLOC_FAILED undoes it */
    ALLOCTRACE_RECORD_CONTEXT = 15, /* 32: operand is the trace flags; 16 bytes of trace id, 8 bytes of span id, as published. Of the
                                     * thread's next MALLOC, CALLOC or REALLOC; only when sampling */
};

enum alloctrace_mark {
    ALLOCTRACE_MARK_FINALIZING = 1,  /* the interpreter began to finalize: what is live here is "live" */
    ALLOCTRACE_MARK_SNAPSHOT = 2,    /* argument: string, the snapshot's name */
    ALLOCTRACE_MARK_FORK = 3,        /* argument: the fork's number: above started_mono_ns and above those of the process's earlier forks */
    ALLOCTRACE_MARK_HOOKED = 4,      /* the hooks were put in place; argument: the number of times so far */
    ALLOCTRACE_MARK_INITIALIZED = 5, /* an interpreter that had been finalized was initialized again */
    ALLOCTRACE_MARK_COPY = 6,   /* the process was copied here; argument: the copy's pid, and the string that names the snapshot to take.
                                 * String 0: the snapshot of the end, whose FINALIZING mark came just before. Pid 0: it should have been
                                 * copied, and alloctrace_session.copy_error says why it was not */
    ALLOCTRACE_MARK_MEMORY = 7, /* an account of resident memory; argument: the number of its first word in MEMORY */
    ALLOCTRACE_MARK_ARENA = 8,  /* CPython mapped an arena; argument: its address | its size in pages of 4096 bytes */
    ALLOCTRACE_MARK_ARENA_GONE = 9, /* the same, before the arena is given back */
};

enum alloctrace_copy_wanted {
    ALLOCTRACE_COPY_WANTED_NOT = 0,
    ALLOCTRACE_COPY_WANTED_NAMED = 1, /* of the snapshot requested_name */
    ALLOCTRACE_COPY_WANTED_PEAK = 2,  /* of the snapshot ALLOCTRACE_NEAR_PEAK */
};

#define ALLOCTRACE_NEAR_PEAK "near-peak"

/* A copy of the process: a copy-on-write clone that runs nothing of the program, and whose memory the collector reads (docs/objects.md).
 * There is one at most. */
enum alloctrace_copy_state {
    ALLOCTRACE_COPY_NONE = 0,
    ALLOCTRACE_COPY_MADE = 1,     /* copy_pid has it; a COPY mark follows in the records of the thread that made it */
    ALLOCTRACE_COPY_REFUSED = 2,  /* copy_error says why; no mark follows */
    ALLOCTRACE_COPY_RELEASED = 3, /* collector: it is not needed any longer; it ends, and the process reaps it */
    ALLOCTRACE_COPY_BUSY = 4,     /* a thread is making or reaping it */
};

#define ALLOCTRACE_OTHER_SHIFT 48
#define ALLOCTRACE_OTHER_ADDRESS_MASK ((UINT64_C(1) << ALLOCTRACE_OTHER_SHIFT) - 1)
#define ALLOCTRACE_OTHER_DOMAINS 256u /* more than that are one */

#define ALLOCTRACE_OPERAND_BITS 56
#define ALLOCTRACE_OPERAND_MASK ((UINT64_C(1) << ALLOCTRACE_OPERAND_BITS) - 1)
#define ALLOCTRACE_SLOT_BITS 20 /* of alloctrace_session.order */
#define ALLOCTRACE_COPY_PID_SHIFT                                                                                                          \
    32 /* of the argument of a COPY mark: the copy's pid is above the string, as the system has at most 22 bits */
#define ALLOCTRACE_ORDER_REQUEST (UINT64_C(1) << 63)                   /* of alloctrace_session.order; set by the collector */
#define ALLOCTRACE_NO_SLOT ((UINT64_C(1) << ALLOCTRACE_SLOT_BITS) - 1) /* no thread has it: order before the first batch */
#define ALLOCTRACE_MAX_RECORD_BYTES 32u
#define ALLOCTRACE_RECORD_WIDE 8u /* added to MALLOC, CALLOC and REALLOC: the wide form */

_Static_assert(sizeof(struct alloctrace_session) <= ALLOCTRACE_EXTENT_KINDS_OFFSET, "the header's members fit before the extent kinds");
_Static_assert(sizeof(struct alloctrace_thread) == 128, "two cache lines: the thread's and the collector's");
_Static_assert(sizeof(struct alloctrace_slab) == 64, "records begin on a cache line");
_Static_assert(sizeof(struct alloctrace_node) == 16 && sizeof(struct alloctrace_code) == 16, "no padding");
_Static_assert(sizeof(struct alloctrace_c_frame) == 16 && sizeof(struct alloctrace_image) == 32, "no padding");
_Static_assert(ALLOCTRACE_CRASH_TEXT_OFFSET <= ALLOCTRACE_EXTENT_BYTES / 2 + 65536, "there is room for names");

#endif

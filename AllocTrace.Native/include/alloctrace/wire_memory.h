/* wire_memory.h: defines what is in a session's array MEMORY (wire.h). AllocTrace/Memory/MemoryMapReader.cs reads it. */
#ifndef ALLOCTRACE_WIRE_MEMORY_H
#define ALLOCTRACE_WIRE_MEMORY_H

#include <stdint.h>

/* An account of resident memory: items, each a word kind << 56 | payload words << 32 | flags, then the payload. A run of pages is
 * page << 28 | maybe << 27 | pages, with page = address / 4096. The process writes it at the moment that it describes. */
enum alloctrace_memory_item {
    ALLOCTRACE_MEMORY_BEGIN = 1, /* flags: enum alloctrace_memory_occasion; time, string (the snapshot's name) */
    ALLOCTRACE_MEMORY_MAPPING =
        2, /* flags: enum alloctrace_memory_flags; start, end, resident, huge pages (bytes), then the name, NUL padded */
    ALLOCTRACE_MEMORY_PAGES = 3, /* runs: the pages of the last mapping that are present; "maybe": perhaps the kernel's one page of zeros */
    ALLOCTRACE_MEMORY_OWN = 4,   /* address and size of each anonymous mapping of this library */
    ALLOCTRACE_MEMORY_STACKS = 5, /* stack and descriptor of each recorded thread that lives (struct alloctrace_thread) */
    ALLOCTRACE_MEMORY_HEAP = 6,   /* flags: 1: the main one; start, end, where its last free chunk begins, end of what was walked */
    ALLOCTRACE_MEMORY_USED = 7,   /* of the last heap, from its start: for each page the bytes in chunks in use, 16 bits each */
    ALLOCTRACE_MEMORY_END = 8,    /* flags: enum alloctrace_memory_missing */
};

enum alloctrace_memory_occasion { ALLOCTRACE_MEMORY_FINALIZING = 1, ALLOCTRACE_MEMORY_SNAPSHOT = 2 };

enum alloctrace_memory_flags {
    ALLOCTRACE_MEMORY_WRITABLE = 1,
    ALLOCTRACE_MEMORY_SHARED = 2,
    ALLOCTRACE_MEMORY_GUARDED = 4, /* what lies directly below it cannot be read or written, as below a thread's stack */
};

enum alloctrace_memory_missing {
    ALLOCTRACE_MEMORY_NO_MAPPINGS = 1, /* /proc/self/smaps cannot be read */
    ALLOCTRACE_MEMORY_NO_PAGES = 2,    /* /proc/self/pagemap cannot be read */
    ALLOCTRACE_MEMORY_NO_ROOM = 4,     /* the session is full */
    ALLOCTRACE_MEMORY_NO_TIME = 8,     /* the time for heaps is over */
};

#define ALLOCTRACE_MEMORY_PAGE 4096u
#define ALLOCTRACE_MEMORY_RUN_SHIFT 28
#define ALLOCTRACE_MEMORY_RUN_MAYBE (UINT64_C(1) << 27)

#endif

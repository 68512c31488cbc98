/* resident.h: accounts of this process's resident memory, written into the session at the moment that they describe.
 *
 * An account has every mapping with its resident bytes, the pages of anonymous mappings that are present, which of them are the library's
 * own, and how the glibc heaps are filled. The collector adds which blocks were live then (docs/memory.md). Everything is read by system
 * calls: nothing of the C library is locked, and memory that another thread unmaps meanwhile is no fault. An account takes milliseconds,
 * RESIDENT_MOST_NS of which at most go to the heaps, and RESIDENT_MOST_WORDS words.
 */
#ifndef ALLOCTRACE_RESIDENT_H
#define ALLOCTRACE_RESIDENT_H

#include "capture/thread.h"

enum {
    RESIDENT_MOST_WORDS = 1 << 20,  /* of one account: 8 MiB */
    RESIDENT_MOST_IN_ALL = 4 << 20, /* of a session */
    RESIDENT_MOST_NS = 200000000,
    RESIDENT_PAUSE_NS = 50000000, /* after an account for a snapshot, until the next one for a snapshot */
};

/* Writes an account, then a MEMORY mark into the thread's stream. name: string, the snapshot's name; 0 for the beginning of finalization.
 * The thread is inside a hook and holds no lock. Best effort: nothing is written when the session is full, when another thread writes one,
 * or when a program takes snapshots one after the other. */
void resident_record(struct thread_capture *thread, enum alloctrace_memory_occasion occasion, uint32_t name);

#endif

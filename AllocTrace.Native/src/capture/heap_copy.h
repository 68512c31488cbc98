/* heap_copy.h: copies this process for the collector, which reads the types and holders of live blocks from the copy (docs/objects.md).
 *
 * A copy is made by a thread that holds the GIL, when it has got a new object and not initialized it: then no other thread is in the middle
 * of a change to Python objects, and neither is this one. The COPY mark in the thread's records and the copy are the same moment: what
 * other threads record in between is of the raw domain, which has no objects.
 */
#ifndef ALLOCTRACE_HEAP_COPY_H
#define ALLOCTRACE_HEAP_COPY_H

#include "capture/recording.h"
#include "capture/thread.h"

/* Reaps a copy that the collector has released, and clears the request unless it is for a copy. Any thread, any call. */
void heap_copy_tidy(void);

/* Looks like the function above, and makes the copy that the collector requested, under the name of the requested snapshot, if the calling
 * thread holds the GIL of a CPython whose objects can be read. The caller is at the record of a new object. */
void heap_copy_make_if_wanted(struct thread_capture *thread);

/* Makes a copy for the snapshot of the end, if the calling thread is the one that finalizes. */
void heap_copy_make_at_end(struct thread_capture *thread, struct traced_runtime *runtime);

/* For a session that begins: finds a copy that this process left behind when it executed another program. */
void heap_copy_find_earlier(void);

/* Reaps that copy once it has ended. Any thread; a load unless there is one. */
void heap_copy_reap_earlier(void);

enum heap_copy_result {
    HEAP_COPY_MADE,    /* with its mark */
    HEAP_COPY_REFUSED, /* alloctrace_session.copy_error says why */
    HEAP_COPY_BUSY,    /* the collector still reads another one */
    HEAP_COPY_NO_GIL,  /* the calling thread does not hold the GIL, or nobody does */
};

/* Makes a copy for a snapshot whose name is a string of the session. */
enum heap_copy_result heap_copy_make_for(struct thread_capture *thread, struct traced_runtime *runtime, uint32_t name);

#endif

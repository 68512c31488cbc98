/* shared_stream.h: a stream of records that no thread owns, under a lock.
 *
 * It has what threads do after their last key destructor (glibc frees thread-local memory then), what is mapped where no thread may be made
 * ready (an allocator maps memory while it holds its lock, and to make one ready takes calloc), and arenas, which come up in the middle of
 * other hooks. All of that is rare.
 */
#ifndef ALLOCTRACE_SHARED_STREAM_H
#define ALLOCTRACE_SHARED_STREAM_H

#include "capture/thread.h"

/* NULL: nothing is recorded, or (with patient false) the stream is not free for a while, and the event is counted as lost: a signal handler
 * may have interrupted the thread that has it. Else shared_stream_leave has to follow at once. */
struct thread_capture *shared_stream_enter(bool patient);
void shared_stream_leave(struct thread_capture *stream);

#endif

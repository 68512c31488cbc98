#include "capture/native/shared_stream.h"

#include "capture/native/native.h"
#include "capture/recording.h"

static bool take_lock(bool patient)
{
    enum { SPINS = 100, TRIES = 2000 };
    struct lock *lock = &recording.fork_local->shared_stream_lock;
    if (patient) {
        lock_acquire(lock);
        return true;
    }
    for (int i = 0; i < TRIES; i++) {
        if (lock_try(lock))
            return true;
        if (i > SPINS)
            os_yield();
    }
    SHARED_ADD(session.header->unslotted_events, 1);
    return false;
}

struct thread_capture *shared_stream_enter(bool patient)
{
    if (!native_is_recording() || !take_lock(patient))
        return NULL;
    struct thread_capture *stream = recording.fork_local->shared_stream;
    if (!stream || stream->state != thread_recording)
        stream = recording.fork_local->shared_stream = thread_make_shared(stream);
    if (!stream || stream->state != thread_recording) {
        SHARED_ADD(session.header->unslotted_events, 1);
        lock_release(&recording.fork_local->shared_stream_lock);
        return NULL;
    }
    stream->state = THREAD_INSIDE;
    return stream;
}

void shared_stream_leave(struct thread_capture *stream)
{
    thread_leave(stream);
    lock_release(&recording.fork_local->shared_stream_lock);
}

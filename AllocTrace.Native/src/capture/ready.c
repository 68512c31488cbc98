/* Makes all threads notice a change: by the comparison that begins a hook. */
#include "capture/recording.h"
#include "capture/thread.h"

uint32_t thread_recording = THREAD_FIRST_RECORDING;
uint32_t thread_ready = THREAD_FIRST_RECORDING;

void thread_change_ready(void)
{
    uint32_t last = __atomic_load_n(&thread_ready, __ATOMIC_RELAXED), next;
    do
        next = last == UINT32_MAX ? THREAD_FIRST_RECORDING : last + 1;
    while (!__atomic_compare_exchange_n(&thread_ready, &last, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
}

bool thread_meet_death(struct thread_capture *thread)
{
    uint32_t ready = __atomic_load_n(&thread_ready, __ATOMIC_ACQUIRE); /* before the recording */
    if (!thread_is_ready(thread))
        return false;
    thread->ready = ready;
    thread->state = THREAD_INSIDE;
    thread->stack.top.interpreter = 0; /* the whole walk looks at the epoch */
    return true;
}

/* Writes a message once, because there is no session that could count the loss. */
void thread_tell_unready(void)
{
    static bool told;
    bool is_off = __atomic_load_n(&recording.off, __ATOMIC_RELAXED);
    recording_lock();
    bool is_counted = recording.fork_local->owned;
    if (is_counted)
        SHARED_ADD(session.header->unslotted_events, 1);
    recording_unlock();
    if (!is_counted && !is_off && !__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
        os_message("the recording is incomplete: out of memory (ulimit -v?)");
}

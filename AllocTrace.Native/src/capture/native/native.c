#include "capture/native/native.h"

#include <string.h>

#include "capture/native/real.h"
#include "capture/recording.h"
#include "capture/records.h"
#include "capture/sampling.h"

struct native_state native = {.page_bytes = 4096};

void native_begin(uint32_t option)
{
    native.page_bytes = os_page_bytes();
    native.past_length = 0;
    native.past[0] = '\0';
    native.reach = ALLOCTRACE_REACH_NONE;
    if (option != ALLOCTRACE_NATIVE_OFF)
        native_find_real();
    native.is_on = option != ALLOCTRACE_NATIVE_OFF;
}

void native_note_past(const char *path)
{
    size_t length = strlen(path);
    const char *known = strstr(native.past, path);
    bool is_known = known && (known[length] == '\n' || !known[length]) && (known == native.past || known[-1] == '\n');
    if (is_known || native.past_length + length + 2 > sizeof native.past)
        return;
    if (native.past_length)
        native.past[native.past_length++] = '\n';
    memcpy(native.past + native.past_length, path, length + 1);
    native.past_length += length;
}

void native_tell_session(void)
{
    if (!native.is_on || !recording.fork_local->owned)
        return;
    if (native.past_length)
        session.header->native_past = session_string(native.past, native.past_length);
    SHARED_STORE(session.header->native_reach, native.reach);
}

/* A thread that was not ready becomes so, if this process has a session. */
struct thread_capture *native_enter_slow(struct thread_capture *thread)
{
#ifdef ALLOCTRACE_CHECKED
    if (thread && thread->state == THREAD_INSIDE)
        return thread_enter_slow(thread); /* NULL, or the end of the program */
#endif
    if (thread_is_inside() || !native_is_recording() || (!thread && (thread_is_over || thread_is_left_out)))
        return NULL;
    return thread_enter_slow(thread);
}

void native_rename_sampled(struct thread_capture *thread, unsigned domain, const void *named, const void *block, size_t size)
{
    if (sampling_has(sampling_key(ALLOCTRACE_DOMAIN_MALLOC, block)))
        record_block(thread, ALLOCTRACE_RECORD_MALLOC, domain, named, size, native_stack(thread));
}

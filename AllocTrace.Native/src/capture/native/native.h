/* native.h: what is recorded of the C heap and of mappings (option native), and how it is reached.
 *
 * The functions of calls.h stand in for malloc's and mmap's: liballoctrace-native.so exports them under those names (interpose/native.c),
 * and imports of images that go past it are redirected to them (inject/native_calls.h). Without the option neither exists, so a recording
 * without it costs nothing for it.
 *
 * Of hooks within hooks only the outermost records: what PyMem_* asks of malloc is a block of PyMem's. A mapping that an allocator makes
 * for itself is an arena, and no block.
 */
#ifndef ALLOCTRACE_NATIVE_H
#define ALLOCTRACE_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/c_stacks/c_stack.h"
#include "capture/thread.h"
#include "capture/walk/walk.h"

struct native_state {
    bool is_on;
    uint32_t reach;       /* enum alloctrace_native_reach */
    uint32_t unloading;   /* threads within dlclose: a CPython may be going, so no stack is walked */
    uintptr_t page_bytes; /* of the system */
    char past[2048];      /* the images whose calls go past us, separated by newlines */
    size_t past_length;
};

extern INTERNAL struct native_state native;

/* For the recording that begins. */
void native_begin(uint32_t option);

/* Another image whose calls go past us; once for each. */
void native_note_past(const char *path);

/* Writes to the session how calls reach the library, if there is a session. Under the recording lock. */
void native_tell_session(void);

/* Returns true if calls can be recorded now: this process has a session. A child without one waits for its first call of PyMem_*. */
static inline bool native_is_recording(void)
{
    return native.is_on && !__atomic_load_n(&recording.off, __ATOMIC_RELAXED) && recording.fork_local && recording.fork_local->owned;
}

/* An extension names a block of the C heap while only samples are recorded: it is one of them, or it is left out. named: as records name
 * it. */
void native_rename_sampled(struct thread_capture *thread, unsigned domain, const void *named, const void *block, size_t size);

struct thread_capture *native_enter_slow(struct thread_capture *thread);

/* Begins a hook, like thread_enter. NULL: another hook is around it, nothing is recorded, or the thread is over. */
ALWAYS_INLINE struct thread_capture *native_enter(void)
{
    if (__builtin_expect(!native.is_on, 0))
        return NULL;
    struct thread_capture *thread = thread_of_this;
#ifndef ALLOCTRACE_CHECKED
    if (thread && thread->state == THREAD_INSIDE)
        return NULL;
#endif
    if (__builtin_expect(!thread || thread->state != thread_ready, 0))
        return native_enter_slow(thread);
    thread->state = THREAD_INSIDE;
    return thread;
}

/* The stack of a thread that has called PyMem_* before: only those have a Python stack, and for others no CPython need be there any more.
 */
ALWAYS_INLINE uint32_t native_stack(struct thread_capture *thread)
{
    struct traced_runtime *runtime = thread->runtime;
    if (!runtime || !runtime->used || __builtin_expect(native.unloading, 0))
        return recording.options.native == ALLOCTRACE_NATIVE_STACKS ? c_stack_without_python(thread) : ALLOCTRACE_NODE_NONE;
    uint32_t stack = walk(thread, runtime, false);
    if (__builtin_expect(stack == ALLOCTRACE_NODE_DROPPED, 0))
        SHARED_ADD(session.header->lost_stacks, 1);
    return stack;
}

#endif

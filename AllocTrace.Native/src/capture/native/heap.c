/* The C heap: malloc's family.
 *
 * As with PyMem_*, an allocation is recorded after the real call and a free before it, so that an address changes hands in the records as
 * it does in memory.
 */
#include "capture/native/calls.h"
#include "capture/native/native.h"
#include "capture/native/real.h"
#include "capture/native/shared_stream.h"
#include "capture/records.h"
#include "capture/sampling.h"

#include <errno.h>

#define EXPORTED __attribute__((visibility("default")))

enum { MALLOC = ALLOCTRACE_DOMAIN_MALLOC };

static void record_allocation(struct thread_capture *thread, unsigned kind, const void *block, size_t size)
{
    if (!sampling_is_on(thread) || (!sampling_skips(thread, size) && sampling_take(thread, sampling_key(MALLOC, block))))
        record_block(thread, kind, MALLOC, block, size, native_stack(thread));
    else if (kind == ALLOCTRACE_RECORD_REALLOC)
        record_block(thread, kind, MALLOC, NULL, 0, ALLOCTRACE_NODE_NONE);
}

static void record_end(struct thread_capture *thread, const void *block)
{
    if (sampling_ends(thread, MALLOC, block))
        record_address(thread, ALLOCTRACE_RECORD_FREE, MALLOC, block);
}

/* ---- of a thread that is over ---- */

static __attribute__((noinline, cold)) void allocated_late(unsigned kind, const void *block, size_t size)
{
    struct thread_capture *stream = shared_stream_enter(true);
    if (!stream)
        return;
    record_allocation(stream, kind, block, size);
    shared_stream_leave(stream);
}

static __attribute__((noinline, cold)) void freed_late(const void *block)
{
    struct thread_capture *stream = shared_stream_enter(true);
    if (!stream)
        return;
    record_end(stream, block);
    shared_stream_leave(stream);
}

/* Returns true if native_enter refused because the thread is over. */
ALWAYS_INLINE bool is_late(void)
{
    return __builtin_expect(native.is_on && !thread_of_this, 0) && thread_is_over;
}

/* ---- the hooks ---- */

/* After the real call. thread: as native_enter said. */
ALWAYS_INLINE void *allocated(struct thread_capture *thread, unsigned kind, void *block, size_t size)
{
    if (!thread) {
        if (is_late() && block)
            allocated_late(kind, block, size);
        return block;
    }
    thread_call_real(thread, false);
    if (block)
        record_allocation(thread, kind, block, size);
    thread_leave(thread);
    return block;
}

ALWAYS_INLINE struct thread_capture *enter_for_allocation(void)
{
    struct thread_capture *thread = native_enter();
    if (thread)
        thread_call_real(thread, true);
    return thread;
}

EXPORTED void *alloctrace_native_malloc(size_t size)
{
    struct thread_capture *thread = enter_for_allocation();
    return allocated(thread, ALLOCTRACE_RECORD_MALLOC, native_real.malloc(size), size);
}

EXPORTED void *alloctrace_native_calloc(size_t count, size_t size)
{
    struct thread_capture *thread = enter_for_allocation();
    return allocated(thread, ALLOCTRACE_RECORD_CALLOC, native_real.calloc(count, size), count * size);
}

EXPORTED void *alloctrace_native_memalign(size_t alignment, size_t size)
{
    struct thread_capture *thread = enter_for_allocation();
    return allocated(thread, ALLOCTRACE_RECORD_MALLOC, native_real.memalign(alignment, size), size);
}

EXPORTED void *alloctrace_native_aligned_alloc(size_t alignment, size_t size)
{
    struct thread_capture *thread = enter_for_allocation();
    return allocated(thread, ALLOCTRACE_RECORD_MALLOC, native_real.aligned_alloc(alignment, size), size);
}

EXPORTED int alloctrace_native_posix_memalign(void **block, size_t alignment, size_t size)
{
    struct thread_capture *thread = enter_for_allocation();
    int error = native_real.posix_memalign(block, alignment, size);
    allocated(thread, ALLOCTRACE_RECORD_MALLOC, error ? NULL : *block, size);
    return error;
}

EXPORTED void *alloctrace_native_valloc(size_t size)
{
    return alloctrace_native_memalign(native.page_bytes, size);
}

EXPORTED void *alloctrace_native_pvalloc(size_t size)
{
    size_t whole = (size + native.page_bytes - 1) & ~(native.page_bytes - 1);
    if (whole < size) {
        errno = ENOMEM;
        return NULL;
    }
    return alloctrace_native_memalign(native.page_bytes, whole);
}

EXPORTED void alloctrace_native_free(void *block)
{
    struct thread_capture *thread = block ? native_enter() : NULL;
    if (!thread) {
        if (is_late() && block)
            freed_late(block);
        native_real.free(block);
        return;
    }
    record_end(thread, block);
    thread_call_real(thread, true);
    native_real.free(block);
    thread_call_real(thread, false);
    thread_leave(thread);
}

/* A block that is resized by a thread that is over: seldom enough to be two events. */
static __attribute__((noinline, cold)) void *reallocate_late(void *old, size_t size)
{
    freed_late(old);
    void *block = native_real.realloc(old, size);
    if (block)
        allocated_late(ALLOCTRACE_RECORD_MALLOC, block, size);
    return block;
}

/* glibc frees the block then, and returns NULL; other allocators return another block. */
static __attribute__((noinline, cold)) void *reallocate_to_nothing(struct thread_capture *thread, void *old)
{
    record_end(thread, old);
    thread_call_real(thread, true);
    return allocated(thread, ALLOCTRACE_RECORD_MALLOC, native_real.realloc(old, 0), 0);
}

EXPORTED void *alloctrace_native_realloc(void *old, size_t size)
{
    struct thread_capture *thread = native_enter();
    if (!thread)
        return is_late() && old ? reallocate_late(old, size) : native_real.realloc(old, size);
    if (old && !size)
        return reallocate_to_nothing(thread, old);
    bool ends = old && sampling_ends(thread, MALLOC, old);
    if (ends)
        record_address(thread, ALLOCTRACE_RECORD_REALLOC_BEGIN, MALLOC, old);
    thread_call_real(thread, true);
    void *block = native_real.realloc(old, size);
    if (!block && ends) {
        sampling_put_back(sampling_key(MALLOC, old));
        record_address(thread, ALLOCTRACE_RECORD_REALLOC_FAILED, MALLOC, old);
    }
    return allocated(thread, ALLOCTRACE_RECORD_REALLOC, block, size);
}

EXPORTED void *alloctrace_native_reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return alloctrace_native_realloc(old, bytes);
}

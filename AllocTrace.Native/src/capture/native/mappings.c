/* Mappings: mmap, munmap, mremap.
 *
 * Allocators call these while they hold their own locks (jemalloc in its first malloc), signal handlers do too: nothing here calls more
 * than the system, and a thread that is not ready stays so (shared_stream.h has its mappings, without a stack).
 *
 * A mapping is a block if it may be written to when it is made: reserved addresses (PROT_NONE) and files that are only read are no memory
 * of the program's.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <sys/mman.h>

#include "capture/native/calls.h"
#include "capture/native/native.h"
#include "capture/native/shared_stream.h"
#include "capture/records.h"

#ifndef MREMAP_DONTUNMAP /* Linux 5.7 */
#define MREMAP_DONTUNMAP 4
#endif

#define EXPORTED __attribute__((visibility("default")))

enum { MMAP = ALLOCTRACE_DOMAIN_MMAP };

static size_t whole_pages(size_t length)
{
    return (length + native.page_bytes - 1) & ~(native.page_bytes - 1);
}

static void record_unmap(struct thread_capture *thread, const void *address, size_t length)
{
    uint64_t *record = record_room(thread);
    if (!record)
        return;
    record[0] = record_word(ALLOCTRACE_RECORD_UNMAP, MMAP, (uintptr_t)address);
    record[1] = whole_pages(length);
    record_commit(thread, record + 2);
}

/* Returns true if calls of this thread are recorded. Within another hook they are not: an allocator maps memory that it divides into
 * blocks. */
static bool is_recorded(void)
{
    return native_is_recording() && !thread_is_inside() && !thread_is_left_out;
}

/* Begins a hook, of a recorded call. NULL: there is no room for a stream. */
static struct thread_capture *enter(void)
{
    struct thread_capture *thread = thread_of_this;
    if (!thread || !thread_is_ready(thread))
        return shared_stream_enter(false);
    thread->state = THREAD_INSIDE;
    return thread;
}

static void leave(struct thread_capture *thread)
{
    if (thread->is_shared)
        shared_stream_leave(thread);
    else
        thread_leave(thread);
}

/* Before the real call. */
static void ends(const void *address, size_t length)
{
    struct thread_capture *thread = enter();
    if (!thread)
        return;
    record_unmap(thread, address, length);
    leave(thread);
}

/* After the real call, which failed. */
static void goes_on(const void *address)
{
    struct thread_capture *thread = enter();
    if (!thread)
        return;
    record_address(thread, ALLOCTRACE_RECORD_REALLOC_FAILED, MMAP, address);
    leave(thread);
}

/* After the real call. kind: MALLOC, or REALLOC after `ends`. */
static void begins(unsigned kind, const void *address, size_t length)
{
    struct thread_capture *thread = enter();
    if (!thread)
        return;
    record_block(thread, kind, MMAP, address, whole_pages(length), thread->is_shared ? ALLOCTRACE_NODE_NONE : native_stack(thread));
    leave(thread);
}

EXPORTED void *alloctrace_native_mmap(void *address, size_t length, int protection, int flags, int descriptor, int64_t offset)
{
    if (!is_recorded())
        return os_mmap(address, length, protection, flags, descriptor, offset);
    bool is_block = protection & PROT_WRITE, replaces = (flags & MAP_FIXED) && !is_block; /* one that is a block says so itself */
    if (replaces)
        ends(address, length);
    void *memory = os_mmap(address, length, protection, flags, descriptor, offset);
    if (memory == MAP_FAILED && replaces)
        goes_on(address);
    else if (memory != MAP_FAILED && is_block)
        begins(ALLOCTRACE_RECORD_MALLOC, memory, length);
    return memory;
}

EXPORTED int alloctrace_native_munmap(void *address, size_t length)
{
    if (!is_recorded())
        return os_munmap(address, length);
    ends(address, length);
    int result = os_munmap(address, length);
    if (result != 0)
        goes_on(address);
    return result;
}

EXPORTED void *alloctrace_native_mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    void *address = flags & MREMAP_FIXED ? va_arg(arguments, void *) : NULL;
    va_end(arguments);
    bool moves = old_length && !(flags & MREMAP_DONTUNMAP); /* else the old mapping stays: mremap(2) */
    if (!is_recorded())
        return os_mremap(old, old_length, length, flags, address);
    if (moves)
        ends(old, old_length);
    void *memory = os_mremap(old, old_length, length, flags, address);
    if (memory != MAP_FAILED)
        begins(moves ? ALLOCTRACE_RECORD_REALLOC : ALLOCTRACE_RECORD_MALLOC, memory, length);
    else if (moves)
        goes_on(old);
    return memory;
}

/* Mappings: mmap, munmap, mremap.
 *
 * Allocators call these while they hold their own locks (jemalloc in its first malloc), signal handlers do too: nothing here calls more than
 * the system, and a thread that is not ready stays so (shared_stream.h has its mappings, without a stack).
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

static void record_range(struct thread_capture *thread, unsigned kind, unsigned domain, const void *address, size_t length)
{
    uint64_t *record = record_room(thread);
    if (!record)
        return;
    record[0] = record_word(kind, domain, (uintptr_t)address);
    record[1] = whole_pages(length);
    record_commit(thread, record + 2);
}

/* Which of these a call is: within another hook, of a thread that is ready, of one that is not, or of one that is left out. */
enum caller { WITHIN_HOOK, READY, UNREADY, LEFT_OUT };

static enum caller caller(void)
{
    const struct thread_capture *thread = thread_of_this;
    if (thread_is_inside())
        return WITHIN_HOOK;
    if (thread_is_left_out)
        return LEFT_OUT;
    return thread && thread->state == thread_recording ? READY : UNREADY;
}

static struct thread_capture *enter(enum caller caller)
{
    if (caller == LEFT_OUT)
        return NULL;
    if (caller != READY)
        return shared_stream_enter(false);
    thread_of_this->state = THREAD_INSIDE;
    return thread_of_this;
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
    enum caller by = caller();
    struct thread_capture *thread = enter(by);
    if (!thread)
        return;
    if (by == WITHIN_HOOK)
        record_range(thread, ALLOCTRACE_RECORD_ARENA, ALLOCTRACE_ARENA_UNMAPPED, address, length);
    else
        record_range(thread, ALLOCTRACE_RECORD_UNMAP, MMAP, address, length);
    leave(thread);
}

/* After the real call, which failed. */
static void goes_on(const void *address, size_t length)
{
    enum caller by = caller();
    struct thread_capture *thread = enter(by);
    if (!thread)
        return;
    if (by == WITHIN_HOOK)
        record_range(thread, ALLOCTRACE_RECORD_ARENA, ALLOCTRACE_ARENA_MAPPED, address, length);
    else
        record_address(thread, ALLOCTRACE_RECORD_REALLOC_FAILED, MMAP, address);
    leave(thread);
}

/* After the real call. kind: MALLOC, or REALLOC after `ends`. */
static void begins(unsigned kind, const void *address, size_t length)
{
    enum caller by = caller();
    struct thread_capture *thread = enter(by);
    if (!thread)
        return;
    if (by == WITHIN_HOOK)
        record_range(thread, ALLOCTRACE_RECORD_ARENA, ALLOCTRACE_ARENA_MAPPED, address, length);
    else
        record_block(thread, kind, MMAP, address, whole_pages(length), by == READY ? native_stack(thread) : ALLOCTRACE_NODE_NONE);
    leave(thread);
}

EXPORTED void *alloctrace_native_mmap(void *address, size_t length, int protection, int flags, int descriptor, int64_t offset)
{
    if (!native_is_recording())
        return os_mmap(address, length, protection, flags, descriptor, offset);
    bool is_block = protection & PROT_WRITE, is_within = caller() == WITHIN_HOOK;
    bool replaces = (flags & MAP_FIXED) && !is_block && !is_within; /* one that is a block says so itself */
    if (replaces)
        ends(address, length);
    void *memory = os_mmap(address, length, protection, flags, descriptor, offset);
    if (memory == MAP_FAILED && replaces)
        goes_on(address, length);
    else if (memory != MAP_FAILED && (is_block || is_within))
        begins(ALLOCTRACE_RECORD_MALLOC, memory, length);
    return memory;
}

EXPORTED int alloctrace_native_munmap(void *address, size_t length)
{
    if (!native_is_recording())
        return os_munmap(address, length);
    ends(address, length);
    int result = os_munmap(address, length);
    if (result != 0)
        goes_on(address, length);
    return result;
}

EXPORTED void *alloctrace_native_mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    void *address = flags & MREMAP_FIXED ? va_arg(arguments, void *) : NULL;
    va_end(arguments);
    bool moves = old_length && !(flags & MREMAP_DONTUNMAP); /* else the old mapping stays: mremap(2) */
    if (!native_is_recording())
        return os_mremap(old, old_length, length, flags, address);
    if (moves)
        ends(old, old_length);
    void *memory = os_mremap(old, old_length, length, flags, address);
    if (memory != MAP_FAILED)
        begins(moves ? ALLOCTRACE_RECORD_REALLOC : ALLOCTRACE_RECORD_MALLOC, memory, length);
    else if (moves)
        goes_on(old, old_length);
    return memory;
}

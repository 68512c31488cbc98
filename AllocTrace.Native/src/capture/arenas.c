#include "capture/arenas.h"

#include "capture/records.h"
#include "capture/walk/data_stack.h"

/* Arenas are 256 KiB and more (ARENA_BITS of Include/internal/pycore_obmalloc.h); data stacks ask for less, and often. The largest has its
 * pages in the 12 bits that an address leaves. */
enum { ARENA_LEAST_BYTES = 256 << 10, ARENA_MOST_BYTES = (ALLOCTRACE_MEMORY_PAGE - 1) * ALLOCTRACE_MEMORY_PAGE };

static struct python_arena_allocator originals[RUNTIMES];

/* Mostly within a hook, whose thread asks pymalloc, which asks for an arena: then between two of its records. */
static void record_arena(enum alloctrace_mark mark, const void *block, size_t size)
{
    uintptr_t address = (uintptr_t)block;
    if (size < ARENA_LEAST_BYTES || size > ARENA_MOST_BYTES || !block || address % ALLOCTRACE_MEMORY_PAGE)
        return;
    uint64_t argument = address | size / ALLOCTRACE_MEMORY_PAGE;
    struct thread_capture *thread = thread_of_this;
    if (thread && thread->state == THREAD_INSIDE && thread->recording == thread_recording) {
        record_mark(thread, mark, argument);
        return;
    }
    thread = thread_enter();
    if (!thread)
        return;
    record_mark(thread, mark, argument);
    thread_leave(thread);
}

static void *allocated(unsigned number, void *context, size_t size)
{
    void *block = originals[number].alloc(context, size);
    record_arena(ALLOCTRACE_MARK_ARENA, block, size);
    return block;
}

static void freed(unsigned number, void *context, void *block, size_t size)
{
    data_stack_freed(&recording.runtimes[number], block, size);
    record_arena(ALLOCTRACE_MARK_ARENA_GONE, block, size);
    originals[number].free(context, block, size);
}

#define NUMBERS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
_Static_assert(RUNTIMES == 8, "NUMBERS has them all");
#define DEFINE_HOOKS(number)                                                                                                               \
    static void *alloc_##number(void *context, size_t size)                                                                                \
    {                                                                                                                                      \
        return allocated(number, context, size);                                                                                           \
    }                                                                                                                                      \
    static void free_##number(void *context, void *block, size_t size)                                                                     \
    {                                                                                                                                      \
        freed(number, context, block, size);                                                                                               \
    }
NUMBERS(DEFINE_HOOKS)
#define LISTED(number) {.alloc = alloc_##number, .free = free_##number},
static const struct python_arena_allocator hooks[RUNTIMES] = {NUMBERS(LISTED)};

static unsigned number_of(const struct traced_runtime *runtime)
{
    return (unsigned)(runtime - recording.runtimes);
}

static bool can_be_watched(const struct traced_runtime *runtime)
{
    return runtime->python.get_arena_allocator && runtime->python.set_arena_allocator;
}

bool arenas_are_watched(const struct traced_runtime *runtime)
{
    struct python_arena_allocator present;
    if (!can_be_watched(runtime))
        return false;
    runtime->python.get_arena_allocator(&present);
    return present.free == hooks[number_of(runtime)].free;
}

void arenas_watch(struct traced_runtime *runtime)
{
    if (!can_be_watched(runtime) || arenas_are_watched(runtime))
        return;
    struct python_arena_allocator hook = hooks[number_of(runtime)], *original = &originals[number_of(runtime)];
    runtime->python.get_arena_allocator(original);
    hook.context = original->context; /* its own: callers read function and context one after the other */
    runtime->python.set_arena_allocator(&hook);
    data_stack_unknown();
}

void arenas_unwatch(struct traced_runtime *runtime)
{
    if (arenas_are_watched(runtime))
        runtime->python.set_arena_allocator(&originals[number_of(runtime)]);
}

#include "capture/walk/data_stack.h"

#include "capture/arenas.h"
#include "python/memory.h"

/* struct _stack_chunk of Include/cpython/pystate.h: the one below, and the bytes of this one. */
enum { CHUNK_PREVIOUS = 0, CHUNK_SIZE = 8, CHUNK_LEAST_BYTES = 1 << 14 };

/* Grows whenever a chunk is freed that the freeing thread's kept stack does not account for: it may be another thread's. */
static uint32_t epoch;

/* The entry of a chunk among the innermost few, plus one; 0: it is not there. */
static uint32_t find_chunk(const struct kept_stack *stack, uintptr_t chunk)
{
    enum { NEAR = 8 };
    for (uint32_t i = stack->chunk_count, last = i > NEAR ? i - NEAR : 0; i > last; i--)
        if (stack->chunks[i - 1].chunk == chunk)
            return i;
    return 0;
}

/* It was the innermost chunk of the calling thread's state, which has let go of it. */
static bool is_own(const struct python_runtime *python, uintptr_t chunk)
{
    uintptr_t state = python->attached_thread_state();
    return state && read_pointer(state, python->layout->thread_state.data_stack) == read_pointer(chunk, CHUNK_PREVIOUS);
}

/* A chunk is about to be freed: the frames in it, and in those above it, are gone. */
static void chunk_ends(const struct python_runtime *python, uintptr_t chunk)
{
    struct thread_capture *thread = thread_of_this;
    struct kept_stack *stack = thread && thread->recording == thread_recording ? &thread->stack : NULL;
    uint32_t found = stack ? find_chunk(stack, chunk) : 0;
    if (found)
        data_stack_cut(stack, stack->chunks[found - 1].first);
    else if (!is_own(python, chunk)) /* else it came and goes between two walks */
        __atomic_add_fetch(&epoch, 1, __ATOMIC_RELEASE);
}

static bool is_used(const struct traced_runtime *runtime)
{
    return runtime->python.layout && runtime->python.layout->thread_state.data_stack && recording.options.max_frames == 0;
}

void data_stack_freed(const struct traced_runtime *runtime, const void *block, size_t size)
{
    /* Arenas for objects begin with something else. 3.14 frees NULL when an interpreter with a GIL of its own ends (free_obmalloc_arenas in
     * Objects/obmalloc.c: arenas whose address is 0 are given back already). */
    if (is_used(runtime) && block && size >= CHUNK_LEAST_BYTES && (size_t)read_size((uintptr_t)block, CHUNK_SIZE) == size)
        chunk_ends(&runtime->python, (uintptr_t)block);
}

void data_stack_unknown(void)
{
    __atomic_add_fetch(&epoch, 1, __ATOMIC_RELEASE);
}

/* Returns the outermost kept frame, from `from` on, that is in a chunk, or depth if there is none. */
static uint32_t first_in(const struct kept_stack *stack, uint32_t from, uintptr_t chunk)
{
    uintptr_t size = (uintptr_t)read_size(chunk, CHUNK_SIZE);
    while (from < stack->depth && stack->frames[from].frame - chunk >= size)
        from++;
    return from;
}

/* Chunks between the last entry and `chunk`, outermost first, in place of walk's room for pending frames. Returns how many, and in *known
 * the entries that are left below them. */
static uint32_t list_new(struct kept_stack *stack, uintptr_t chunk, uint32_t *known)
{
    uint32_t count = 0;
    *known = 0;
    for (; chunk && count < stack->capacity; chunk = read_pointer(chunk, CHUNK_PREVIOUS)) {
        if ((*known = find_chunk(stack, chunk)) != 0)
            break;
        stack->pending[count++] = chunk;
    }
    return count;
}

void data_stack_add(const struct layout *layout, struct thread_capture *thread, uintptr_t state)
{
    struct kept_stack *stack = &thread->stack;
    uint32_t now = __atomic_load_n(&epoch, __ATOMIC_ACQUIRE);
    if (!is_used(thread->runtime) || !arenas_are_watched(thread->runtime))
        return;
    if (stack->chunk_state != state || stack->chunk_epoch != now)
        stack->chunk_count = 0;
    stack->chunk_state = state;
    stack->chunk_epoch = now;
    uint32_t known, count = list_new(stack, read_pointer(state, layout->thread_state.data_stack), &known);
    stack->chunk_count = known;
    uint32_t most = stack->capacity / KEPT_FRAMES_PER_CHUNK, from = known ? stack->chunks[known - 1].first : 0;
    while (count && stack->chunk_count < most) {
        uintptr_t chunk = stack->pending[--count];
        uint32_t first = first_in(stack, from, chunk);
        if (first == stack->depth)
            continue; /* only frames that were not kept, or none yet */
        stack->chunks[stack->chunk_count++] = (struct kept_chunk){chunk, first};
        from = first;
    }
    data_stack_cut(stack, UINT32_MAX);
}

void data_stack_verify(struct thread_capture *thread, uintptr_t state)
{
    struct kept_stack *stack = &thread->stack;
    if (stack->chunk_state != state || stack->chunk_epoch != __atomic_load_n(&epoch, __ATOMIC_ACQUIRE)
        || !arenas_are_watched(thread->runtime))
        data_stack_cut(stack, 0);
}

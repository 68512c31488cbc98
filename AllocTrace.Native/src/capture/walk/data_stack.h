/* data_stack.h: from 3.11 to 3.14, how a walk knows that the callers deep in a stack did not change.
 *
 * Frames of functions lie on the thread's data stack, a list of chunks of 16 KiB and more that come from the arena allocator
 * (push_chunk and _PyThreadState_PopFrame in Python/pystate.c). A chunk is given back when its first frame is taken off; a thread state
 * keeps at most one of them for the next call (datastack_cached_chunk; 3.13.13, 3.14.4 and later). So, of two chunks taken off, one is
 * freed: as long as neither of the two chunks above a frame was freed, that frame is still inside the same call, and so are its callers,
 * whatever they are. Their instructions are the same, too, since a caller goes nowhere but by a trace function that sets f_lineno.
 *
 * Who frees is seen by a hook of the arena allocator (arenas.h). Frames below the last DATA_STACK_MARGIN chunks are then not compared, and
 * what a walk costs does not grow with the depth of the stack.
 */
#ifndef ALLOCTRACE_DATA_STACK_H
#define ALLOCTRACE_DATA_STACK_H

#include "capture/recording.h"
#include "capture/thread.h"
#include "python/frame.h"

enum {
    DATA_STACK_MARGIN = 3, /* chunks: one more than is needed */
};

/* The arena allocator is going to free a block (arenas.c). */
void data_stack_freed(const struct traced_runtime *runtime, const void *block, size_t size);

/* Blocks may have been freed unseen: the hook was not in place until now. */
void data_stack_unknown(void);

/* Adds the chunks that are new since the last walk. The kept stack is the present one. */
void data_stack_add(const struct layout *layout, struct thread_capture *thread, uintptr_t state);

/* Sets `trusted` to 0 unless it still holds for this thread state. */
void data_stack_verify(struct thread_capture *thread, uintptr_t state);

/* The kept frames from `frames` on are replaced. */
static inline void data_stack_cut(struct kept_stack *stack, uint32_t frames)
{
    while (stack->chunk_count && stack->chunks[stack->chunk_count - 1].first >= frames)
        stack->chunk_count--;
    stack->trusted = stack->chunk_count > DATA_STACK_MARGIN ? stack->chunks[stack->chunk_count - DATA_STACK_MARGIN].first : 0;
}

/* After a walk that changed the kept stack. A trace function may set the instruction of a caller, one that was innermost when it was
 * called: while one runs, no more frames become trusted. */
ALWAYS_INLINE void data_stack_follow(const struct layout *layout, struct thread_capture *thread, uintptr_t state)
{
    const struct kept_stack *stack = &thread->stack;
    if (!layout->thread_state.data_stack || __builtin_expect(stack->depth < KEPT_DEEP, 1))
        return;
    uintptr_t chunk = read_pointer(state, layout->thread_state.data_stack);
    bool is_known = stack->chunk_count && stack->chunks[stack->chunk_count - 1].chunk == chunk && stack->chunk_state == state;
    if (!is_known && read_int(state, layout->thread_state.tracing) == 0)
        data_stack_add(layout, thread, state);
}

#endif

/* again.h: the common walk, whose stack has the frames of the last one and perhaps another innermost instruction.
 *
 * There is a function for each depth, without a loop: six instructions a frame. The comparisons are those of align.h, and in the same
 * order: a kept frame is only looked at after its callee was seen to point to it. What differs is left to the functions in walk.c.
 */
#ifndef ALLOCTRACE_AGAIN_H
#define ALLOCTRACE_AGAIN_H

#include "capture/walk/anchor.h"
#include "capture/walk/innermost.h"

enum { AGAIN_DEPTHS = 16 /* deeper stacks are compared in a loop down to these */ };

/* The rarer parts of a walk of the whole stack, out of the way of the common one. */
struct walks {
    /* All of it, after a code object died, or in a thread whose stack was once deeper than KEPT_DEEP. */
    uint32_t (*rare)(struct thread_capture *thread, uintptr_t state, uintptr_t frame);
    uint32_t (*compared)(struct thread_capture *thread, uintptr_t state, uintptr_t frame); /* else */
    uint32_t (*changed)(struct thread_capture *thread, uintptr_t frame, intptr_t changed); /* once it is known that only instructions are */
    uint32_t (*moved)(struct thread_capture *thread, uintptr_t state, uintptr_t frame);    /* once it is known that frames are */
    uint32_t (*const *again)(struct thread_capture *thread, uintptr_t state);              /* by depth; AGAIN_DEPTHS + 1: deeper */
};

/* Begins with the kept stack as the present one. Entry trampolines are on the C stack, and the outermost frame is one if there are any: its
 * instruction has no meaning, and is not compared. */
ALWAYS_INLINE void again_begin(const struct layout *layout, const struct walks *walks, struct kept_stack *stack)
{
    uint32_t depth = stack->depth;
    bool is_known = depth && (!layout->first_owner_without_code || place_is_trampoline(&stack->places[0]));
    stack->top.frame = NO_KEPT_FRAME;
    if (stack->code_epoch == CODE_EPOCH_DEEP)
        stack->top.interpreter = 0;
    if (!is_known)
        return;
    stack->top.walk = walks->again[depth <= AGAIN_DEPTHS ? depth : AGAIN_DEPTHS + 1];
    stack->top.frame = stack->frames[depth - 1].frame;
    stack->top.parent = stack->places[depth - 1].parent;
}

/* Certainly the calling thread's, whether it has the GIL or not; the whole walk finds those that are so in other ways. */
ALWAYS_INLINE bool again_is_own(const struct layout *layout, const struct thread_capture *thread, uintptr_t state)
{
    return state && (layout->minor >= 12 || read_pointer(state, layout->thread_state.thread_id) == thread->pthread);
}

/* One step outwards. */
ALWAYS_INLINE bool again_has_caller(const struct layout *layout, const struct kept_frame *kept, intptr_t index, uintptr_t *frame)
{
    uintptr_t caller = index ? kept[index - 1].frame : 0;
    if (__builtin_expect(frame_previous(layout, *frame) != caller, 0))
        return false;
    *frame = caller;
    bool is_compared = index > 1 || (index == 1 && !layout->first_owner_without_code);
    return !is_compared || __builtin_expect(frame_position(layout, caller) == kept[index - 1].position, 1);
}

ALWAYS_INLINE bool again_has_callers(const struct layout *layout, const struct kept_stack *stack, unsigned depth, uintptr_t frame)
{
    const struct kept_frame *kept = stack->frames;
    if (depth > AGAIN_DEPTHS) {
        depth = AGAIN_DEPTHS;
        for (intptr_t i = (intptr_t)stack->depth - 1; i >= AGAIN_DEPTHS; i--)
            if (!again_has_caller(layout, kept, i, &frame))
                return false;
    }
#pragma GCC unroll 16
    for (intptr_t i = (intptr_t)depth - 1; i >= 0; i--)
        if (!again_has_caller(layout, kept, i, &frame))
            return false;
    return true;
}

/* state: the attached thread state, of whichever thread; 0: none. ALLOCTRACE_NODE_NONE: the whole walk has to be asked. */
ALWAYS_INLINE uint32_t again(const struct layout *layout, const struct walks *walks, unsigned depth, struct thread_capture *thread,
                             uintptr_t state)
{
    struct kept_stack *stack = &thread->stack;
    bool is_usual = again_is_own(layout, thread, state)
                    && __builtin_expect(read_pointer(state, layout->thread_state.interpreter) == stack->top.interpreter, 1);
    if (__builtin_expect(!is_usual, 0))
        return ALLOCTRACE_NODE_NONE;
    uintptr_t frame = read_pointer(state, layout->thread_state.frame);
    if (layout->thread_state.frame_is_indirect) {
        if (__builtin_expect(!frame, 0))
            return ALLOCTRACE_NODE_NONE;
        frame = read_pointer(frame, layout->thread_state.cframe_frame);
    }
    if (frame != stack->top.frame)
        return __builtin_expect(frame != 0, 1) ? walks->moved(thread, state, frame) : ALLOCTRACE_NODE_NONE;
    bool same = anchor_is_usable(layout, stack, state) ? anchor_is_at_top(layout, stack, state, frame)
                                                       : again_has_callers(layout, stack, depth, frame);
    if (!same)
        return walks->compared(thread, state, frame);
    uintptr_t position = frame_position(layout, frame);
    const struct kept_result *kept = innermost_slot(stack, position, stack->top.parent);
    if (__builtin_expect(innermost_is(kept, position, stack->top.parent), 1))
        return kept->node;
    return walks->changed(thread, frame, -1);
}

#endif

/* innermost.h: the innermost frame's node. Which one it is depends on two words, its instruction and its caller's node, so it is kept by
 * these: mostly neither line nor expression has to be looked up, and the frame is only placed when it has become a caller itself.
 */
#ifndef ALLOCTRACE_INNERMOST_H
#define ALLOCTRACE_INNERMOST_H

#include <string.h>

#include "capture/walk/expression.h"
#include "capture/walk/place.h"
#include "platform/assert.h"

/* A code object died: another may be at its address. */
static inline void innermost_forget(struct kept_stack *stack)
{
    memset(stack->results, 0, sizeof stack->results);
}

ALWAYS_INLINE struct kept_result *innermost_slot(struct kept_stack *stack, uintptr_t position, uint32_t parent)
{
    /* Positions are even: half of the sum is the index. In this form it takes two instructions. */
    uintptr_t twice = (position + 2 * (uintptr_t)parent) & (2 * KEPT_RESULTS - 2);
    return (struct kept_result *)((char *)stack->results + twice * (sizeof(struct kept_result) / 2));
}

ALWAYS_INLINE bool innermost_is(const struct kept_result *kept, uintptr_t position, uint32_t parent)
{
    return kept->position == position && kept->parent == parent;
}

/* Returns the node of a frame that was placed: the line's, or that of the expression below it. *lasts: it follows from position and parent
 * alone. */
ALWAYS_INLINE uint32_t innermost_node(const struct layout *layout, const struct kept_place *place, uintptr_t frame, uintptr_t position,
                                      bool *lasts)
{
    *lasts = false;
    if (place->line == LINE_NOT_BEGUN || place->node == ALLOCTRACE_NODE_DROPPED)
        return place->node;
    *lasts = true;
    if (layout->position_kind != POSITION_POINTER)
        return place->node;
    const struct code_info *code = place->code;
    intptr_t offset = (intptr_t)(position - code->bytecode);
    if ((uintptr_t)offset >= code->bytecode_bytes) /* in a thread's copy of the bytecode */
        offset = frame_offset(layout, frame, position, code->address, code->bytecode_bytes);
    *lasts = offset >= code->first_traceable; /* else it is a generator's frame, which has begun where another one has not */
    return expression_below(layout, code, offset, place->node);
}

/* The kept stack ends with `frame`, whose caller's node is `parent`; its own slot may be stale. */
ALWAYS_INLINE uint32_t innermost(const struct layout *layout, struct thread_capture *thread, uintptr_t frame, uint32_t parent)
{
    struct kept_stack *stack = &thread->stack;
    alloctrace_assert(stack->depth > 0); /* before the first is the sentinel */
    struct kept_frame *kept = &stack->frames[(intptr_t)stack->depth - 1];
    struct kept_place *seen = &stack->places[(intptr_t)stack->depth - 1];
    uintptr_t position = frame_position(layout, frame);
    struct kept_result *result = innermost_slot(stack, position, parent);
    if (innermost_is(result, position, parent)) {
        if (kept->frame != frame || seen->parent != parent) {
            *kept = (struct kept_frame){frame, POSITION_NOT_ASKED};
            seen->line = LINE_NOT_ASKED;
            seen->parent = parent;
        }
        return result->node;
    }
    if (kept->frame != frame || kept->position != position || seen->parent != parent) {
        *kept = (struct kept_frame){frame, position};
        place(layout, thread, seen, frame, position, parent);
    }
    bool lasts;
    uint32_t node = innermost_node(layout, seen, frame, position, &lasts);
    if (lasts)
        *result = (struct kept_result){.position = position, .parent = parent, .node = node};
    return node;
}

#endif

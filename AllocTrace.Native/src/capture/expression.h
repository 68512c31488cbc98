/* expression.h: which expression of its line the innermost frame evaluates, as a node below the line's. From 3.11 on, where a position is
 * the address of an instruction and the line table tells columns. */
#ifndef ALLOCTRACE_EXPRESSION_H
#define ALLOCTRACE_EXPRESSION_H

#include <string.h>

#include "capture/intern.h"
#include "capture/thread.h"
#include "python/frame.h"

/* A code object died: another may be at its address. */
static inline void expressions_forget(struct kept_stack *stack)
{
    memset(stack->expressions, 0, sizeof stack->expressions);
    memset(stack->sources, 0, sizeof stack->sources);
}

/* Where in the source the innermost frame's instruction is. The line table has to be followed from its beginning, so this is kept: few
 * instructions of a program allocate. */
static inline uint32_t expression_source(const struct layout *layout, struct kept_stack *stack, uintptr_t position)
{
    struct kept_source *kept = &stack->sources[(position >> 1) % KEPT_SOURCES];
    if (__builtin_expect(kept->position == position, 1))
        return kept->source;
    const struct code_info *code = stack->places[stack->depth - 1].code;
    intptr_t offset = (intptr_t)(position - code->bytecode);
    if ((uintptr_t)offset >= code->bytecode_bytes) /* in a thread's copy of the bytecode */
        offset = frame_offset(layout, stack->frames[stack->depth - 1].frame, position, code->address, code->bytecode_bytes);
    *kept = (struct kept_source){.position = position, .source = code_expression(layout, code, offset)};
    return kept->source;
}

static __attribute__((noinline)) uint32_t find_expression(const struct layout *layout, struct kept_stack *stack,
                                                          struct kept_expression *kept, uint32_t node, uintptr_t position)
{
    struct node_key key = {node, ALLOCTRACE_CODE_EXPRESSION, expression_source(layout, stack, position)};
    uint32_t below = key.line == ALLOCTRACE_NO_EXPRESSION ? node : intern_find_node(key);
    if (!below)
        below = intern_new_node(key);
    if (below == ALLOCTRACE_NODE_DROPPED)
        below = node; /* no room: without its expression the stack is still known */
    *kept = (struct kept_expression){.position = position, .node = node, .below = below};
    return below;
}

/* The node of the expression below `node`, the innermost line's. */
ALWAYS_INLINE uint32_t expression_below(const struct layout *layout, struct kept_stack *stack, uint32_t node)
{
    if (layout->position_kind != POSITION_POINTER || stack->depth == 0)
        return node;
    const struct kept_place *top = &stack->places[stack->depth - 1];
    if (__builtin_expect(top->line == LINE_NOT_BEGUN, 0))
        return node;
    uintptr_t position = stack->frames[stack->depth - 1].position;
    struct kept_expression *kept = &stack->expressions[(position >> 1 ^ node) % KEPT_EXPRESSIONS];
    if (__builtin_expect(kept->position == position && kept->node == node, 1))
        return kept->below;
    return find_expression(layout, stack, kept, node, position);
}

#endif

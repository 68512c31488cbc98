/* expression.h: which expression of its line the innermost frame evaluates, as a node below the line's. From 3.11 on, where a position is
 * the address of an instruction and the line table tells columns.
 */
#ifndef ALLOCTRACE_EXPRESSION_H
#define ALLOCTRACE_EXPRESSION_H

#include "capture/intern.h"
#include "capture/thread.h"
#include "python/frame.h"

/* Where in the source an instruction of a code is. The line table has to be followed from its beginning, so this is kept: few instructions
 * of a program allocate. */
ALWAYS_INLINE uint32_t expression_source(const struct layout *layout, struct kept_stack *stack, const struct code_info *code,
                                         uintptr_t position, intptr_t offset)
{
    struct kept_source *kept = &stack->sources[(position >> 1) % KEPT_SOURCES];
    if (__builtin_expect(kept->position != position || kept->code_epoch != stack->code_epoch, 0))
        *kept =
            (struct kept_source){.position = position, .code_epoch = stack->code_epoch, .source = code_expression(layout, code, offset)};
    return kept->source;
}

/* The node of the expression below `node`, the innermost line's. offset: the instruction's, in bytes. */
ALWAYS_INLINE uint32_t expression_below(const struct layout *layout, struct kept_stack *stack, const struct code_info *code,
                                        uintptr_t position, intptr_t offset, uint32_t node)
{
    struct node_key key = {node, ALLOCTRACE_CODE_EXPRESSION, expression_source(layout, stack, code, position, offset)};
    if (key.line == ALLOCTRACE_NO_EXPRESSION)
        return node;
    uint32_t below = intern_find_node(key);
    if (!below)
        below = intern_new_node(key);
    return below == ALLOCTRACE_NODE_DROPPED ? node : below; /* no room: without its expression the stack is still known */
}

#endif

/* expression.h: finds the expression of its line that the innermost frame evaluates, as a node below the line's. From 3.11 on, where a
 * position is the address of an instruction and the line table has columns. */
#ifndef ALLOCTRACE_EXPRESSION_H
#define ALLOCTRACE_EXPRESSION_H

#include "capture/code_cache.h"
#include "capture/intern.h"

/* The node of the expression below `node`, the innermost line's. offset: the instruction's, in bytes. */
ALWAYS_INLINE uint32_t expression_below(const struct layout *layout, const struct code_info *code, intptr_t offset, uint32_t node)
{
    struct node_key key = {node, ALLOCTRACE_CODE_EXPRESSION, code_expression(layout, code, offset)};
    if (key.line == ALLOCTRACE_NO_EXPRESSION)
        return node;
    uint32_t below = intern_find_node(key);
    if (!below)
        below = intern_new_node(key);
    return below == ALLOCTRACE_NODE_DROPPED ? node : below; /* no room: without its expression the stack is still known */
}

#endif

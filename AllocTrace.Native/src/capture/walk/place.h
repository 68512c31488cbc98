/* place.h: from a frame to its node: code, then line, then the node below its caller's.
 *
 * What a kept place says is used again where it still holds, so that a frame that moved within a line costs a look at its line and no more.
 */
#ifndef ALLOCTRACE_PLACE_H
#define ALLOCTRACE_PLACE_H

#include "capture/intern.h"
#include "capture/recording.h"
#include "capture/thread.h"
#include "python/frame.h"

/* Returns true if C enters the interpreter by this frame. (Also for frames that could not be placed for lack of room.) */
ALWAYS_INLINE bool place_is_trampoline(const struct kept_place *place)
{
    return !place->code && place->line != LINE_NOT_ASKED;
}

/* Places an entry trampoline, which is no frame but the point where C called the interpreter: with C stacks it has a node, below which they
 * are placed. Segments outside of the outermost one need none. */
ALWAYS_INLINE uint32_t place_entry(uint32_t parent)
{
    bool is_wanted = recording.options.native == ALLOCTRACE_NATIVE_STACKS && parent > ALLOCTRACE_NODE_DROPPED;
    return is_wanted ? intern_entry(parent) : parent;
}

/* Places a frame: finds its code, its line, its node below `parent`. */
ALWAYS_INLINE uint32_t place(const struct layout *layout, struct thread_capture *thread, struct kept_place *place, uintptr_t frame,
                             uintptr_t position, uint32_t parent)
{
    if (frame_is_entry(layout, frame)) {
        uint32_t node = place_entry(parent);
        *place = (struct kept_place){.line = LINE_NOT_BEGUN, .parent = parent, .node = node};
        return node;
    }
    const struct code_info *code = place->code;
    intptr_t offset;
    if (layout->position_kind == POSITION_POINTER) {
        if (!code || position - code->bytecode >= code->bytecode_bytes) {
            code = code_cache_get(&thread->runtime->python, frame_code(layout, frame));
            offset = code ? frame_offset(layout, frame, position, code->address, code->bytecode_bytes) : 0;
        } else {
            offset = (intptr_t)(position - code->bytecode);
        }
    } else {
        uintptr_t address = frame_code(layout, frame);
        if (!code || code->address != address)
            code = code_cache_get(&thread->runtime->python, address);
        offset = (intptr_t)read_int(frame, layout->frame.position) * layout->position_unit;
    }
    if (__builtin_expect(!code, 0)) { /* no room for another code */
        *place = (struct kept_place){.line = LINE_NOT_BEGUN, .parent = parent, .node = ALLOCTRACE_NODE_DROPPED};
        return ALLOCTRACE_NODE_DROPPED;
    }
    if (frame_has_not_begun(layout, frame, offset, code->first_traceable)) {
        *place = (struct kept_place){.code = code, .line = LINE_NOT_BEGUN, .parent = parent, .node = parent};
        return parent;
    }
    uint32_t line = code_line(layout, code, offset);
    if (place->code == code && place->line == line && place->parent == parent)
        return place->node;
    struct node_key key = {parent, code->number, line};
    uint32_t node = intern_find_node(key);
    if (__builtin_expect(!node, 0))
        node = intern_new_node(key);
    *place = (struct kept_place){.code = code, .line = line, .parent = parent, .node = node};
    return node;
}

/* The frame is where it was, but its caller's node is another. */
ALWAYS_INLINE uint32_t place_below(struct kept_place *place, uint32_t parent)
{
    if (place->parent == parent)
        return place->node;
    place->parent = parent;
    if (!place->code && place->node == ALLOCTRACE_NODE_DROPPED)
        return ALLOCTRACE_NODE_DROPPED;
    if (place->line == LINE_NOT_BEGUN)
        return place->node = place->code ? parent : place_entry(parent);
    struct node_key key = {parent, place->code->number, place->line};
    uint32_t node = intern_find_node(key);
    if (!node)
        node = intern_new_node(key);
    return place->node = node;
}

#endif

/* The walk, compiled once for each layout.
 *
 * The stack of a program changes at its top; comparing it with the last one from there costs two independent loads a frame: the next
 * address comes from the kept stack, and that `previous` agrees is only checked, so the processor does not wait on a chain of pointers.
 * Where the kept stack and the real one part (generators, coroutines), the walk splices: it goes on until they meet again.
 *
 * Nothing identifies an activation of a frame, so every frame is compared each time. (docs/frame-walk.md)
 */
#include "capture/walk.h"

#include <string.h>

#include "capture/intern.h"
#include "capture/recording.h"
#include "python/frame.h"
#include "python/self_check.h"
#include "python/thread_state.h"

enum {
    NEAR = 8,           /* kept frames among which a frame of the real stack is looked for */
    ENOUGH_CHECKS = 32, /* stacks about which CPython agreed */
};

/* Finds out what a frame shows: its code, its line, its node below `parent`. */
ALWAYS_INLINE uint32_t place(const struct layout *layout, struct thread_capture *thread, struct kept_place *place, uintptr_t frame,
                             uintptr_t position, uint32_t parent)
{
    if (frame_is_entry(layout, frame)) {
        *place = (struct kept_place){.line = LINE_NOT_BEGUN, .parent = parent, .node = parent};
        return parent;
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
        return place->node = parent;
    struct node_key key = {parent, place->code->number, place->line};
    uint32_t node = intern_find_node(key);
    if (!node)
        node = intern_new_node(key);
    return place->node = node;
}

static uint32_t cut(struct thread_capture *thread)
{
    thread->stack.depth = thread->stack.known = 0;
    return ALLOCTRACE_NODE_DROPPED;
}

/* The thread runs another interpreter than the last time: the stacks are below another node. Guesses stay; they are checked against it. */
static __attribute__((noinline, cold)) void change_interpreter(struct thread_capture *thread, uintptr_t interpreter)
{
    struct kept_stack *stack = &thread->stack;
    int64_t (*id)(uintptr_t) = thread->runtime->python.interpreter_id;
    stack->interpreter = interpreter;
    stack->root = id ? intern_interpreter((uint32_t)id(interpreter)) : ALLOCTRACE_NODE_NONE;
    stack->depth = 0;
}

/* The whole stack. */
ALWAYS_INLINE uint32_t walk_all(const struct layout *layout, struct thread_capture *thread, uintptr_t frame)
{
    struct kept_stack *stack = &thread->stack;
    uint32_t epoch = __atomic_load_n(&code_cache.epoch, __ATOMIC_ACQUIRE);
    if (__builtin_expect(stack->code_epoch != epoch, 0)) { /* a code object died: another may be at its address now */
        stack->depth = stack->known = 0;
        memset(stack->expressions, 0, sizeof stack->expressions);
        stack->code_epoch = epoch;
    }

    struct kept_frame *frames = stack->frames;
    intptr_t met = (intptr_t)stack->depth - 1;
    uint32_t pendings = 0; /* in stack->pending: new or moved frames, innermost first */
    intptr_t outermost_changed = -1;
    for (;;) {
        frames = stack->frames; /* it may have grown */
        /* Follow the chain until it meets the kept stack. */
        for (;;) {
            intptr_t k = met, lowest = met - NEAR;
            while (k >= 0 && k > lowest && frames[k].frame != frame)
                k--;
            if (k >= 0 && k > lowest) {
                met = k;
                break;
            }
            if (__builtin_expect(pendings >= stack->capacity, 0) && !thread_grow_stack(stack))
                return cut(thread);
            stack->pending[pendings++] = frame;
            frames = stack->frames;
            frame = frame_previous(layout, frame);
            if (!frame) {
                met = -1;
                break;
            }
        }
        if (met < 0)
            break;
        /* Check the kept stack from there to its outermost frame. A kept frame is only looked at after its callee was seen to point to it.
         */
        uintptr_t differences = 0, kept = frames[met].frame;
        struct kept_frame *at = &frames[met];
        for (; at > frames; at--) {
            uintptr_t caller = at[-1].frame;
            if (__builtin_expect(frame_previous(layout, kept) != caller, 0))
                break;
            differences |= frame_position(layout, caller) ^ at[-1].position;
            kept = caller;
        }
        intptr_t i = at - frames;
        if (i == 0 && frame_previous(layout, frames[0].frame) == 0) {
            outermost_changed = frame_position(layout, frames[met].frame) != frames[met].position ? met : -1; /* it nearly always is */
            for (intptr_t k = met - 1; differences && k >= 0; k--)
                if (frame_position(layout, frames[k].frame) != frames[k].position)
                    outermost_changed = k;
            break;
        }
        /* They part below frame i: those above it are on the chain, and have other callers. */
        for (intptr_t above = met; above >= i; above--) {
            if (__builtin_expect(pendings >= stack->capacity, 0) && !thread_grow_stack(stack))
                return cut(thread);
            stack->pending[pendings++] = stack->frames[above].frame;
        }
        frame = frame_previous(layout, stack->frames[i].frame);
        met = frame ? i - 1 : -1;
        if (!frame)
            break;
    }

    struct kept_place *places = stack->places;
    uint32_t node = met >= 0 ? places[met].node : stack->root;
    if (outermost_changed >= 0) {
        node = outermost_changed ? places[outermost_changed - 1].node : stack->root;
        for (intptr_t i = outermost_changed; i <= met; i++) {
            uintptr_t position = frame_position(layout, frames[i].frame);
            if (position != frames[i].position) {
                frames[i].position = position;
                node = place(layout, thread, &places[i], frames[i].frame, position, node);
            } else {
                node = place_below(&places[i], node);
            }
        }
    }
    while (pendings) {
        uintptr_t next = stack->pending[--pendings];
        uintptr_t position = frame_position(layout, next);
        if (__builtin_expect(++met >= (intptr_t)stack->capacity, 0)) {
            if (!thread_grow_stack(stack))
                return cut(thread);
            frames = stack->frames;
            places = stack->places;
        }
        bool guessed = met < (intptr_t)stack->known;
        if (!guessed)
            places[met] = (struct kept_place){0};
        if (guessed && frames[met].frame == next && frames[met].position == position && places[met].parent == node) {
            node = places[met].node;
            continue;
        }
        frames[met] = (struct kept_frame){next, position};
        node = place(layout, thread, &places[met], next, position, node);
    }
    stack->depth = (uint32_t)(met + 1);
    if (stack->depth > stack->known)
        stack->known = stack->depth;
    return node;
}

static __attribute__((noinline)) uint32_t find_expression(const struct layout *layout, struct kept_stack *stack,
                                                          struct kept_expression *kept, uint32_t node, uintptr_t position)
{
    const struct code_info *code = stack->places[stack->depth - 1].code;
    intptr_t offset = (intptr_t)(position - code->bytecode);
    if ((uintptr_t)offset >= code->bytecode_bytes) /* in a thread's copy of the bytecode */
        offset = frame_offset(layout, stack->frames[stack->depth - 1].frame, position, code->address, code->bytecode_bytes);
    struct node_key key = {node, ALLOCTRACE_CODE_EXPRESSION, code_expression(layout, code, offset)};
    uint32_t below = key.line == ALLOCTRACE_NO_EXPRESSION ? node : intern_find_node(key);
    if (!below)
        below = intern_new_node(key);
    if (below == ALLOCTRACE_NODE_DROPPED)
        below = node; /* no room: without its expression the stack is still known */
    *kept = (struct kept_expression){.position = position, .node = node, .below = below};
    return below;
}

/* The node of the expression that the innermost frame evaluates, below its line's. From 3.11 on, where positions are addresses. */
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

/* The innermost frames only, as many as option frames says: nothing is kept. */
ALWAYS_INLINE uint32_t walk_some(const struct layout *layout, struct thread_capture *thread, uintptr_t frame)
{
    struct kept_stack *stack = &thread->stack;
    uint32_t count = 0, hops = 0, wanted = recording.options.max_frames;
    for (; frame && count < wanted && hops < KEPT_MAX_CAPACITY; hops++, frame = frame_previous(layout, frame)) {
        if (count == stack->capacity && !thread_grow_stack(stack))
            break;
        struct kept_place seen = {0};
        uint32_t node = place(layout, thread, &seen, frame, frame_position(layout, frame), ALLOCTRACE_NODE_NONE);
        if (seen.line != LINE_NOT_BEGUN || node == ALLOCTRACE_NODE_DROPPED)
            stack->places[count++] = seen;
    }
    if (frame)
        SHARED_ADD(session.header->cut_stacks, 1);
    uint32_t node = stack->root;
    while (count)
        node = place_below(&stack->places[--count], node);
    return node;
}

ALWAYS_INLINE uint32_t walk_with(const struct layout *layout, struct thread_capture *thread, bool holds_gil, bool all)
{
    bool attached;
    uintptr_t state = thread_state_of_call(layout, &thread->runtime->python, holds_gil, &attached);
    struct kept_stack *stack = &thread->stack;
    if (!state) {
        stack->interpreter = 0; /* the next one may be new, at the address of one that is gone */
        return ALLOCTRACE_NODE_NONE;
    }
    uintptr_t interpreter = read_pointer(state, layout->thread_state.interpreter);
    if (__builtin_expect(interpreter != stack->interpreter, 0))
        change_interpreter(thread, interpreter);
    uintptr_t frame = frame_innermost(layout, state);
    if (!frame)
        return stack->root;
    return all ? expression_below(layout, stack, walk_all(layout, thread, frame)) : walk_some(layout, thread, frame);
}

static uint32_t walk_off(struct thread_capture *thread, bool holds_gil)
{
    (void)thread;
    (void)holds_gil;
    return ALLOCTRACE_NODE_NONE;
}

#define DEFINE_WALKS(name)                                                                                                                 \
    static uint32_t walk_all_##name(struct thread_capture *thread, bool holds_gil)                                                         \
    {                                                                                                                                      \
        return walk_with(&layout_##name, thread, holds_gil, true);                                                                         \
    }                                                                                                                                      \
    static uint32_t walk_some_##name(struct thread_capture *thread, bool holds_gil)                                                        \
    {                                                                                                                                      \
        return walk_with(&layout_##name, thread, holds_gil, false);                                                                        \
    }
LAYOUTS(DEFINE_WALKS)

/* The first walks: each is compared with what CPython itself says, until enough agreed. */
static uint32_t walk_checked(struct thread_capture *thread, bool holds_gil)
{
    struct traced_runtime *runtime = thread->runtime;
    const char *failure;
    switch (self_check(&runtime->python, holds_gil, &failure)) {
    case SELF_CHECK_NOTHING_SEEN:
        return ALLOCTRACE_NODE_NONE;
    case SELF_CHECK_FAILED:
        runtime->walk = walk_off;
        recording_set_stacks(runtime, false, failure);
        os_message("stacks are off: %s", failure);
        return ALLOCTRACE_NODE_NONE;
    case SELF_CHECK_AGREED:
        if (__atomic_add_fetch(&runtime->checks_agreed, 1, __ATOMIC_RELAXED) == ENOUGH_CHECKS) {
            recording_set_stacks(runtime, true, NULL);
            runtime->walk = runtime->walk_after_checks;
        }
    }
    return runtime->walk_after_checks(thread, holds_gil);
}

void walk_choose(struct traced_runtime *runtime)
{
    const struct layout *layout = runtime->python.layout;
    runtime->walk = walk_off;
#define CHOOSE(name)                                                                                                                       \
    if (layout == layout_find(layout_##name.minor, layout_##name.free_threaded))                                                           \
        runtime->walk_after_checks = recording.options.max_frames ? walk_some_##name : walk_all_##name;
    if (layout) {
        LAYOUTS(CHOOSE)
        runtime->walk = walk_checked;
    }
}

void walk_begin(struct thread_capture *thread, struct traced_runtime *runtime)
{
    thread->stack.depth = thread->stack.known = 0;
    thread->stack.interpreter = 0;
    thread->runtime = runtime;
}

/* The walk, compiled once for each layout.
 *
 * The stack of a program changes at its top; comparing it with the last one from there costs two independent loads a frame: the next
 * address comes from the kept stack, and that `previous` agrees is only checked, so the processor does not wait on a chain of pointers.
 * Where the kept stack and the real one diverge (generators, coroutines), the walk splices: it continues until they rejoin.
 *
 * To 3.14 nothing identifies an activation of a frame, so every frame is compared each time (align.h); from 3.15 on CPython itself tells
 * how far the stack was taken down (anchor.h). (docs/frame-walk.md)
 */
#include "capture/walk/walk.h"

#include <stdlib.h>

#include "capture/c_stacks/loops.h"
#include "capture/c_stacks/c_stack.h"
#include "capture/walk/again.h"
#include "capture/walk/anchor.h"
#include "capture/walk/data_stack.h"
#include "capture/walk/innermost.h"
#include "python/self_check.h"
#include "python/thread_state.h"

enum { ENOUGH_CHECKS = 32 /* stacks about which CPython agreed */ };

static uint32_t cut(struct thread_capture *thread)
{
    enum { FRAMES_AN_ALLOCATION = 64 };
    struct kept_stack *stack = &thread->stack;
    stack->depth = stack->known = 0;
    data_stack_cut(stack, 0);
    stack->rest = stack->capacity / FRAMES_AN_ALLOCATION; /* so that looking for an end costs each of them little */
    return ALLOCTRACE_NODE_DROPPED;
}

/* The thread runs another interpreter than the last time: the stacks are below another node. Guesses stay; they are checked against it. */
static __attribute__((noinline, cold)) void change_interpreter(struct thread_capture *thread, uintptr_t interpreter)
{
    struct kept_stack *stack = &thread->stack;
    int64_t (*id)(uintptr_t) = thread->runtime->python.interpreter_id;
    stack->interpreter = interpreter;
    stack->top.interpreter = 0;
    stack->top.frame = NO_KEPT_FRAME; /* another interpreter's frame may be at the same address */
    stack->root = id ? intern_interpreter((uint32_t)id(interpreter)) : ALLOCTRACE_NODE_NONE;
    stack->depth = 0;
    data_stack_cut(stack, 0);
}

/* The kept frames whose instructions moved, and those that they called, get their nodes anew: from `changed` (as in an alignment) up to
 * `end`. The node of the last one. */
ALWAYS_INLINE uint32_t refresh(const struct layout *layout, struct thread_capture *thread, intptr_t changed, intptr_t end)
{
    struct kept_frame *frames = thread->stack.frames;
    struct kept_place *places = thread->stack.places;
    intptr_t first = changed >= 0 && changed < end ? changed : end;
    uint32_t node = first > 0 ? places[first - 1].node : thread->stack.root;
    for (intptr_t i = first; i < end; i++) {
        uintptr_t position = frame_position(layout, frames[i].frame);
        if (position != frames[i].position) {
            frames[i].position = position;
            node = place(layout, thread, &places[i], frames[i].frame, position, node);
        } else {
            node = place_below(&places[i], node);
        }
    }
    return node;
}

/* Makes room for one more frame. Returns false if the stack is deeper than can be kept. */
ALWAYS_INLINE bool make_room(struct kept_stack *stack, intptr_t depth)
{
    if (__builtin_expect(depth > (intptr_t)stack->capacity, 0) && !thread_grow_stack(stack))
        return false;
    if (depth > (intptr_t)stack->known) {
        stack->frames[depth - 1] = (struct kept_frame){0};
        stack->places[depth - 1] = (struct kept_place){0};
        stack->known = (uint32_t)depth;
    }
    stack->depth = (uint32_t)depth;
    return true;
}

/* The frames above those that were met. */
ALWAYS_INLINE uint32_t add_pendings(const struct layout *layout, struct thread_capture *thread, bool deep, struct alignment *alignment,
                                    uint32_t node)
{
    struct kept_stack *stack = &thread->stack;
    for (intptr_t depth = alignment->met + 1;;) {
        uintptr_t frame = stack->pending[--alignment->pendings];
        if (!make_room(stack, ++depth))
            return cut(thread);
        if (deep && __builtin_expect(depth > KEPT_MAX_RECORDED, 0))
            node = ALLOCTRACE_NODE_DROPPED;
        if (alignment->pendings == 0)
            return innermost(layout, thread, frame, node);
        uintptr_t position = frame_position(layout, frame);
        struct kept_frame *kept = &stack->frames[depth - 1];
        struct kept_place *seen = &stack->places[depth - 1];
        if (kept->frame == frame && kept->position == position && seen->parent == node) {
            node = seen->node;
        } else {
            *kept = (struct kept_frame){frame, position};
            node = place(layout, thread, seen, frame, position, node);
        }
    }
}

/* Walks the whole stack after frames were added or removed since the last walk. */
ALWAYS_INLINE uint32_t walk_moved(const struct layout *layout, struct thread_capture *thread, bool deep, uintptr_t state, uintptr_t frame)
{
    struct kept_stack *stack = &thread->stack;
    struct alignment alignment;
    if (deep && __builtin_expect(stack->rest, 0)) {
        stack->rest--;
        return ALLOCTRACE_NODE_DROPPED;
    }
    if (!anchor_align(layout, stack, state, frame, &alignment) && !align_by_comparing(layout, stack, deep, frame, &alignment))
        return cut(thread);
    if (deep)
        data_stack_cut(stack, (uint32_t)(alignment.met + 1));
    intptr_t callers = alignment.pendings ? alignment.met + 1 : alignment.met;
    uint32_t node = refresh(layout, thread, alignment.changed, callers);
    if (alignment.pendings) {
        node = add_pendings(layout, thread, deep, &alignment, node);
    } else {
        stack->depth = (uint32_t)callers + 1;
        node = innermost(layout, thread, frame, node);
    }
    anchor_set(layout, stack, state, frame);
    if (deep)
        data_stack_follow(layout, thread, state);
    return node;
}

/* The whole stack, when it has the frames of the last walk. changed: as in an alignment, of callers. */
ALWAYS_INLINE uint32_t walk_changed(const struct layout *layout, struct thread_capture *thread, uintptr_t frame, intptr_t changed)
{
    return innermost(layout, thread, frame, refresh(layout, thread, changed, (intptr_t)thread->stack.depth - 1));
}

/* A code object died: another may be at its address now. Frames that are known to be inside the same calls kept theirs alive. */
static __attribute__((noinline, cold)) void forget_code(const struct layout *layout, struct kept_stack *stack, uintptr_t state)
{
    uint32_t alive = anchor_is_usable(layout, stack, state) ? anchor_keep(layout, stack, state) : stack->trusted;
    stack->depth = stack->known = alive;
    data_stack_cut(stack, alive);
    innermost_forget(stack);
}

/* The whole stack, in a thread whose stack never was deeper than KEPT_DEEP. */
ALWAYS_INLINE uint32_t walk_compared(const struct layout *layout, const struct walks *walks, struct thread_capture *thread, uintptr_t state,
                                     uintptr_t frame)
{
    const struct kept_stack *stack = &thread->stack;
    intptr_t changed = -1;
    bool same = anchor_is_usable(layout, stack, state) ? anchor_is_at_top(layout, stack, state, frame)
                                                       : align_at_top(layout, stack, false, frame, &changed);
    return same ? walks->changed(thread, frame, changed) : walks->moved(thread, state, frame);
}

/* The whole stack, in a thread whose stack was once deeper. */
ALWAYS_INLINE uint32_t walk_deep(const struct layout *layout, struct thread_capture *thread, uintptr_t state, uintptr_t frame)
{
    struct kept_stack *stack = &thread->stack;
    uint32_t epoch = __atomic_load_n(&code_cache.epoch, __ATOMIC_ACQUIRE);
    if (stack->trusted)
        data_stack_verify(thread, state);
    if (stack->deep_code_epoch != epoch) {
        forget_code(layout, stack, state);
        stack->deep_code_epoch = epoch;
    }
    intptr_t changed = -1;
    bool same = anchor_is_usable(layout, stack, state) ? anchor_is_at_top(layout, stack, state, frame)
                                                       : align_at_top(layout, stack, true, frame, &changed);
    return same ? walk_changed(layout, thread, frame, changed) : walk_moved(layout, thread, true, state, frame);
}

ALWAYS_INLINE uint32_t walk_rare(const struct layout *layout, const struct walks *walks, struct thread_capture *thread, uintptr_t state,
                                 uintptr_t frame)
{
    struct kept_stack *stack = &thread->stack;
    if (stack->code_epoch == CODE_EPOCH_DEEP)
        return walk_deep(layout, thread, state, frame);
    uint32_t epoch = __atomic_load_n(&code_cache.epoch, __ATOMIC_ACQUIRE);
    forget_code(layout, stack, state);
    stack->code_epoch = epoch;
    return walks->moved(thread, state, frame);
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

#ifdef ALLOCTRACE_CHECKED
/* Test builds walk every stack twice, the second time from nothing, and abort when they differ. */
ALWAYS_INLINE uint32_t walk_twice(const struct layout *layout, struct thread_capture *thread, uintptr_t frame, uint32_t node)
{
    struct kept_stack *stack = &thread->stack;
    struct alignment all = {.met = -1, .changed = -1};
    uint32_t fresh = stack->root;
    for (uintptr_t next = frame; next; next = frame_previous(layout, next))
        if (!align_add_pending(stack, &all, next))
            return node;
    struct kept_place seen = {0};
    uintptr_t position = 0;
    while (all.pendings) {
        uintptr_t next = stack->pending[--all.pendings];
        seen = (struct kept_place){0};
        position = frame_position(layout, next);
        fresh = place(layout, thread, &seen, next, position, fresh);
    }
    bool lasts;
    fresh = innermost_node(layout, &seen, frame, position, &lasts);
    if (node != fresh) {
        os_message("a stack of %u frames differs from its cached nodes: node %u, %u", stack->depth, node, fresh);
        abort();
    }
    return node;
}
#else
#define walk_twice(layout, thread, frame, node) (node)
#endif

ALWAYS_INLINE uint32_t walk_with(const struct layout *layout, const struct walks *walks, struct thread_capture *thread, bool holds_gil)
{
    bool attached;
    uintptr_t state = thread_state_of_call(layout, &thread->runtime->python, holds_gil, &attached);
    struct kept_stack *stack = &thread->stack;
    if (!state) {
        stack->interpreter = stack->top.interpreter = 0; /* the next one may be new, at the address of one that is gone */
        return ALLOCTRACE_NODE_NONE;
    }
    uintptr_t interpreter = read_pointer(state, layout->thread_state.interpreter);
    if (__builtin_expect(interpreter != stack->interpreter, 0))
        change_interpreter(thread, interpreter);
    uintptr_t frame = frame_innermost(layout, state);
    if (!frame)
        return stack->root;
    if (!walks)
        return walk_some(layout, thread, frame);
    bool is_rare = __atomic_load_n(&code_cache.epoch, __ATOMIC_ACQUIRE) != stack->code_epoch;
    uint32_t node = (is_rare ? walks->rare : walks->compared)(thread, state, frame);
    return walk_twice(layout, thread, frame, node);
}

static uint32_t walk_off(struct thread_capture *thread, bool holds_gil)
{
    (void)thread;
    (void)holds_gil;
    return ALLOCTRACE_NODE_NONE;
}

/* Once the walk need not be checked any more, the common one may be asked first (again.h). */
ALWAYS_INLINE uint32_t walk_whole(const struct layout *layout, const struct walks *walks, struct thread_capture *thread, bool holds_gil)
{
    uint32_t node = walk_with(layout, walks, thread, holds_gil);
    struct kept_stack *stack = &thread->stack;
    bool is_usual = thread->runtime->is_checked && stack->code_epoch != CODE_EPOCH_DEEP;
    stack->top.interpreter = is_usual ? stack->interpreter : 0;
    return node;
}

ALWAYS_INLINE uint32_t walk_again(const struct layout *layout, const struct walks *walks, unsigned depth, struct thread_capture *thread,
                                  uintptr_t state)
{
    uint32_t node = again(layout, walks, depth, thread, state);
    return node == ALLOCTRACE_NODE_NONE ? node : walk_twice(layout, thread, frame_innermost(layout, state), node);
}

#define DEFINE_AGAIN(name, depth)                                                                                                          \
    static uint32_t again_##name##_##depth(struct thread_capture *thread, uintptr_t state)                                                 \
    {                                                                                                                                      \
        return walk_again(&layout_##name, &walks_##name, depth, thread, state);                                                            \
    }
/* clang-format off */
#define AGAIN_ALL(X, name) \
    X(name, 1) X(name, 2) X(name, 3) X(name, 4) X(name, 5) \
    X(name, 6) X(name, 7) X(name, 8) X(name, 9) X(name, 10) X(name, 11) \
    X(name, 12) X(name, 13) X(name, 14) X(name, 15) X(name, 16) X(name, 17)
/* clang-format on */
_Static_assert(AGAIN_DEPTHS + 1 == 17, "AGAIN_ALL has them all");
#define LIST_AGAIN(name, depth) again_##name##_##depth,

#define DEFINE_WALKS(name)                                                                                                                 \
    static const struct walks walks_##name;                                                                                                \
    static __attribute__((noinline)) uint32_t changed_##name(struct thread_capture *thread, uintptr_t frame, intptr_t changed)             \
    {                                                                                                                                      \
        uint32_t node = walk_changed(&layout_##name, thread, frame, changed);                                                              \
        again_begin(&layout_##name, &walks_##name, &thread->stack);                                                                        \
        return node;                                                                                                                       \
    }                                                                                                                                      \
    static __attribute__((noinline)) uint32_t moved_##name(struct thread_capture *thread, uintptr_t state, uintptr_t frame)                \
    {                                                                                                                                      \
        uint32_t node = walk_moved(&layout_##name, thread, false, state, frame);                                                           \
        again_begin(&layout_##name, &walks_##name, &thread->stack);                                                                        \
        return node;                                                                                                                       \
    }                                                                                                                                      \
    static __attribute__((noinline)) uint32_t compared_##name(struct thread_capture *thread, uintptr_t state, uintptr_t frame)             \
    {                                                                                                                                      \
        return walk_compared(&layout_##name, &walks_##name, thread, state, frame);                                                         \
    }                                                                                                                                      \
    static __attribute__((noinline)) uint32_t rare_##name(struct thread_capture *thread, uintptr_t state, uintptr_t frame)                 \
    {                                                                                                                                      \
        return walk_rare(&layout_##name, &walks_##name, thread, state, frame);                                                             \
    }                                                                                                                                      \
    AGAIN_ALL(DEFINE_AGAIN, name)                                                                                                          \
    static uint32_t (*const again_##name[])(struct thread_capture *, uintptr_t) = {NULL, AGAIN_ALL(LIST_AGAIN, name)};                     \
    static const struct walks walks_##name = {rare_##name, compared_##name, changed_##name, moved_##name, again_##name};                   \
    static uint32_t walk_all_##name(struct thread_capture *thread, bool holds_gil)                                                         \
    {                                                                                                                                      \
        return walk_whole(&layout_##name, &walks_##name, thread, holds_gil);                                                               \
    }                                                                                                                                      \
    static uint32_t walk_some_##name(struct thread_capture *thread, bool holds_gil)                                                        \
    {                                                                                                                                      \
        return walk_with(&layout_##name, NULL, thread, holds_gil);                                                                         \
    }
LAYOUTS(DEFINE_WALKS)

/* The way to get Python's part of a stack. */
static void use_walk(struct traced_runtime *runtime, uint32_t (*walk)(struct thread_capture *thread, bool holds_gil))
{
    *(runtime->walk_python ? &runtime->walk_python : &runtime->walk) = walk;
}

/* Compares each of the first walks with CPython's own answer, until enough agreed. */
static uint32_t walk_checked(struct thread_capture *thread, bool holds_gil)
{
    struct traced_runtime *runtime = thread->runtime;
    const char *failure;
    switch (self_check(&runtime->python, holds_gil, &failure)) {
    case SELF_CHECK_NOTHING_SEEN:
        return ALLOCTRACE_NODE_NONE;
    case SELF_CHECK_FAILED:
        use_walk(runtime, walk_off);
        recording_set_stacks(runtime, false, failure);
        os_message("stacks are off: %s", failure);
        return ALLOCTRACE_NODE_NONE;
    case SELF_CHECK_AGREED:
        if (__atomic_add_fetch(&runtime->checks_agreed, 1, __ATOMIC_RELAXED) == ENOUGH_CHECKS) {
            recording_set_stacks(runtime, true, NULL);
            use_walk(runtime, runtime->walk_after_checks);
            runtime->is_checked = true;
        }
    }
    return runtime->walk_after_checks(thread, holds_gil);
}

void walk_choose(struct traced_runtime *runtime)
{
    const struct layout *layout = runtime->python.layout;
    bool has_c_stacks = recording.options.native == ALLOCTRACE_NATIVE_STACKS;
    runtime->is_checked = false;
    runtime->walk_python = has_c_stacks ? walk_off : NULL;
    runtime->walk = has_c_stacks ? c_stack_walk : walk_off;
    if (has_c_stacks)
        loops_begin(runtime);
#define CHOOSE(name)                                                                                                                       \
    if (layout == layout_find(layout_##name.minor, layout_##name.free_threaded))                                                           \
        runtime->walk_after_checks = recording.options.max_frames ? walk_some_##name : walk_all_##name;
    if (layout) {
        LAYOUTS(CHOOSE)
        use_walk(runtime, walk_checked);
    }
}

void walk_begin(struct thread_capture *thread, struct traced_runtime *runtime)
{
    thread->stack.depth = thread->stack.known = 0;
    thread->stack.interpreter = thread->stack.top.interpreter = 0;
    thread->stack.anchor = (struct kept_anchor){0};
    data_stack_cut(&thread->stack, 0);
    thread->runtime = runtime;
}

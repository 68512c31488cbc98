/* anchor.h: on 3.15 and later, how a walk knows which callers did not change without looking at them.
 *
 * A thread state has a pointer to a frame, last_profiled_frame, that CPython moves to the caller whenever it takes exactly that frame off
 * the stack, counting in last_profiled_frame_seq (_PyThreadState_UpdateLastProfiledFrame in Include/internal/pycore_interpframe.h; made for
 * profilers in other processes). Each walk leaves it at the innermost frame, so the next one knows how far the stack was taken down since:
 * that many frames of the kept stack are gone, and all callers of the one where it now points are still inside the same calls. So what a
 * walk costs does not grow with the depth of the stack.
 *
 * The rules (docs/frame-walk.md):
 *   - Never on an entry trampoline: these lie on the C stack, are taken off without being counted, and another one may be at the same
 *     address. When CPython moved it to one, the whole stack is compared.
 *   - A trace function may set f_lineno of a caller: while one runs, the whole stack is compared.
 *   - Somebody else may use it: a profiler, which writes frames from outside. A pointer that is not where the count says is not ours: the
 *     thread compares for good. What we write we count, so that such a profiler, who keeps the count with what it remembers, never takes
 * our frame for one that it saw.
 */
#ifndef ALLOCTRACE_ANCHOR_H
#define ALLOCTRACE_ANCHOR_H

#include "capture/walk/align.h"
#include "capture/walk/place.h"

ALWAYS_INLINE uintptr_t *anchor_frame(const struct layout *layout, uintptr_t state)
{
    return (uintptr_t *)(state + layout->thread_state.last_profiled);
}

ALWAYS_INLINE uint64_t *anchor_count(const struct layout *layout, uintptr_t state)
{
    return (uint64_t *)(state + layout->thread_state.last_profiled_count);
}

ALWAYS_INLINE bool anchor_is_usable(const struct layout *layout, const struct kept_stack *stack, uintptr_t state)
{
    return layout->thread_state.last_profiled && !stack->anchor.foreign && read_int(state, layout->thread_state.tracing) == 0;
}

/* The innermost frame is the last walk's, and so are its callers: only its instruction may be another. */
ALWAYS_INLINE bool anchor_is_at_top(const struct layout *layout, const struct kept_stack *stack, uintptr_t state, uintptr_t frame)
{
    const struct kept_anchor *anchor = &stack->anchor;
    return anchor->state == state && anchor->depth == stack->depth && stack->frames[(intptr_t)stack->depth - 1].frame == frame
           && __atomic_load_n(anchor_count(layout, state), __ATOMIC_RELAXED) == anchor->count
           && __atomic_load_n(anchor_frame(layout, state), __ATOMIC_RELAXED) == frame;
}

/* The innermost kept frame that was not taken off since, all of whose callers are as they were kept; -1: not known. */
ALWAYS_INLINE intptr_t anchor_find(const struct layout *layout, struct kept_stack *stack, uintptr_t state)
{
    struct kept_anchor *anchor = &stack->anchor;
    if (anchor->state != state || anchor->depth > stack->depth)
        return -1;
    uint64_t count = __atomic_load_n(anchor_count(layout, state), __ATOMIC_RELAXED), taken_off = count - anchor->count;
    uintptr_t frame = __atomic_load_n(anchor_frame(layout, state), __ATOMIC_RELAXED);
    if (count < anchor->count)
        return -1; /* a new thread state, where one was freed */
    if (__builtin_expect(taken_off >= anchor->depth, 0) || frame != stack->frames[anchor->depth - 1 - taken_off].frame) {
        anchor->foreign = taken_off != anchor->depth || frame != 0;
        return -1;
    }
    intptr_t found = (intptr_t)(anchor->depth - 1 - taken_off);
    return place_is_trampoline(&stack->places[found]) ? -1 : found;
}

/* Makes the innermost kept frame the one that was not taken off since. Returns how many kept frames are still inside the same calls. */
static inline uint32_t anchor_keep(const struct layout *layout, struct kept_stack *stack, uintptr_t state)
{
    intptr_t found = anchor_find(layout, stack, state);
    if (found < 0)
        return 0;
    stack->anchor.count = __atomic_load_n(anchor_count(layout, state), __ATOMIC_RELAXED);
    stack->anchor.depth = (uint32_t)found + 1;
    return stack->anchor.depth;
}

/* Looks only at what is above the frame that is known to be as it was. False: that is not known; or it is not on the stack (another one
 * runs on the same thread state, a greenlet's); or there is no room. */
ALWAYS_INLINE bool anchor_align(const struct layout *layout, struct kept_stack *stack, uintptr_t state, uintptr_t frame,
                                struct alignment *alignment)
{
    if (!anchor_is_usable(layout, stack, state))
        return false;
    intptr_t known = anchor_find(layout, stack, state);
    if (known < 0)
        return false;
    *alignment = (struct alignment){.met = known, .changed = -1};
    uintptr_t wanted = stack->frames[known].frame;
    for (; frame != wanted; frame = frame_previous(layout, frame))
        if (!frame || !align_add_pending(stack, alignment, frame))
            return false;
    if (frame_position(layout, frame) != stack->frames[known].position)
        alignment->changed = known;
    return true;
}

/* The kept stack is the present one, whose innermost frame is `frame`: the next walk begins from here, if it can. */
ALWAYS_INLINE void anchor_set(const struct layout *layout, struct kept_stack *stack, uintptr_t state, uintptr_t frame)
{
    struct kept_anchor *anchor = &stack->anchor;
    anchor->state = 0;
    if (!anchor_is_usable(layout, stack, state) || stack->depth == 0 || place_is_trampoline(&stack->places[stack->depth - 1]))
        return;
    uint64_t count = __atomic_load_n(anchor_count(layout, state), __ATOMIC_RELAXED);
    if (__atomic_load_n(anchor_frame(layout, state), __ATOMIC_RELAXED) != frame) {
        __atomic_store_n(anchor_count(layout, state), ++count, __ATOMIC_RELAXED); /* first: who sees the frame sees its count */
        __atomic_store_n(anchor_frame(layout, state), frame, __ATOMIC_RELEASE);
    }
    *anchor = (struct kept_anchor){.state = state, .count = count, .depth = stack->depth};
}

#endif

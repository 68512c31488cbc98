/* align.h: where the real stack and the kept one meet, by comparing them frame by frame. */
#ifndef ALLOCTRACE_ALIGN_H
#define ALLOCTRACE_ALIGN_H

#include "capture/thread.h"
#include "python/frame.h"

/* The part of the stack that a walk must record. The rest equals the kept stack. */
struct alignment {
    intptr_t met;      /* the innermost kept frame on the real stack; -1: none */
    intptr_t changed;  /* the outermost kept frame whose instruction is another than before; -1: none */
    uint32_t pendings; /* in stack->pending: frames above the one that was met, new or moved, innermost first */
};

/* False: the stack is deeper than can be kept. */
ALWAYS_INLINE bool align_add_pending(struct kept_stack *stack, struct alignment *alignment, uintptr_t frame)
{
    if (__builtin_expect(alignment->pendings >= stack->capacity, 0) && !thread_grow_stack(stack))
        return false;
    stack->pending[alignment->pendings++] = frame;
    return true;
}

enum { ALIGN_NEAR = 8 };

/* Returns the innermost kept frame that is `frame`, from `from` outwards and among the next `most`, or -1. */
ALWAYS_INLINE intptr_t align_find(const struct kept_stack *stack, intptr_t from, intptr_t most, uintptr_t frame)
{
    intptr_t beyond = from - most;
    for (intptr_t i = from; i >= 0 && i > beyond; i--)
        if (stack->frames[i].frame == frame)
            return i;
    return -1;
}

/* Looks for the frame among the next few kept ones. Each time that twice as many frames have been passed without meeting a kept one, it
 * looks much further: many may have been removed since, and finding out takes no longer than adding them did. */
ALWAYS_INLINE intptr_t align_meet(const struct kept_stack *stack, intptr_t from, uintptr_t frame, uint32_t passed)
{
    enum { FAR = 64 };
    bool looks_far = passed > 0 && (passed & (passed - 1)) == 0;
    return align_find(stack, from, looks_far ? (intptr_t)passed * FAR : ALIGN_NEAR, frame);
}

/* Compares the callers of `at`, which is on the real stack, with the real ones, to the outermost frame, or, when deep, down to those that
 * need not be compared. A kept frame is only looked at after its callee was seen to point to it. Returns the last kept frame that is on the
 * real stack if the two diverge there, or NULL. *differences: not 0 if a caller's instruction is another than before; which one it is
 * matters too rarely to be noted at each. */
ALWAYS_INLINE const struct kept_frame *align_callers(const struct layout *layout, const struct kept_stack *stack, bool deep,
                                                     const struct kept_frame *at, uintptr_t *differences)
{
    uintptr_t frame = at->frame;
    for (*differences = 0;; at -= 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            if (deep && stack->trusted && at - i <= stack->frames + stack->trusted)
                return NULL;
            uintptr_t caller = at[-i - 1].frame; /* below the outermost one is a sentinel, 0 */
            if (__builtin_expect(frame_previous(layout, frame) != caller, 0))
                return at - i;
            if (!caller)
                return NULL;
            frame = caller;
            *differences |= frame_position(layout, frame) ^ at[-i - 1].position;
        }
    }
}

/* Returns the outermost kept frame up to `at` whose instruction is another than before, or -1. All of them are on the real stack. */
static __attribute__((noinline)) intptr_t align_changed(const struct layout *layout, const struct kept_stack *stack, intptr_t at)
{
    const struct kept_frame *frames = stack->frames;
    for (intptr_t i = stack->trusted; i <= at; i++)
        if (frame_position(layout, frames[i].frame) != frames[i].position)
            return i;
    return -1;
}

/* Only instructions may be others: false if that is not so. *changed: as in an alignment, of callers. */
ALWAYS_INLINE bool align_at_top(const struct layout *layout, const struct kept_stack *stack, bool deep, uintptr_t frame, intptr_t *changed)
{
    const struct kept_frame *top = stack->frames + stack->depth - 1;
    uintptr_t differences;
    if (__builtin_expect(top->frame != frame, 0) || __builtin_expect(align_callers(layout, stack, deep, top, &differences) != NULL, 0))
        return false;
    *changed = __builtin_expect(differences != 0, 0) ? align_changed(layout, stack, top - 1 - stack->frames) : -1;
    return true;
}

/* Compares to the outermost frame where the two stacks diverge and rejoin (generators, coroutines). Returns false as above. */
ALWAYS_INLINE bool align_by_comparing(const struct layout *layout, struct kept_stack *stack, bool deep, uintptr_t frame,
                                      struct alignment *alignment)
{
    intptr_t from = (intptr_t)stack->depth - 1;
    *alignment = (struct alignment){.met = -1, .changed = -1};
    while (frame) {
        uintptr_t caller = frame_previous(layout, frame);
        if (from >= 0 && caller == stack->frames[from].frame) { /* one more frame, as often: it need not be looked for */
            if (!align_add_pending(stack, alignment, frame))
                return false;
            frame = caller;
        }
        intptr_t met = deep ? align_meet(stack, from, frame, alignment->pendings) : align_find(stack, from, ALIGN_NEAR, frame);
        if (met < 0) {
            if (!align_add_pending(stack, alignment, frame))
                return false;
            frame = caller;
            continue;
        }
        const struct kept_frame *at = &stack->frames[met];
        uintptr_t differences;
        const struct kept_frame *parted = align_callers(layout, stack, deep, at, &differences);
        if (!parted) {
            alignment->met = met;
            if (__builtin_expect(differences != 0, 0))
                alignment->changed = align_changed(layout, stack, met);
            else if (frame_position(layout, frame) != at->position)
                alignment->changed = met;
            return true;
        }
        /* Those above are on the chain, and have other callers. */
        intptr_t i = parted - stack->frames;
        for (intptr_t above = met; above >= i; above--)
            if (!align_add_pending(stack, alignment, stack->frames[above].frame))
                return false;
        frame = frame_previous(layout, stack->frames[i].frame);
        from = i - 1;
    }
    return true;
}

#endif

/* kept_frames.h: a thread's C stack as the last walk saw it, so that the next walk only unwinds what changed.
 *
 * A frame is known again by its return address and the stack pointer. That its callers are the same as well is not guessed but verified:
 * each word that led from one to the next is compared with what it was, the return addresses and, where a frame's size depends on rbp,
 * where rbp was kept. If all hold, each frame follows from the one before it as it did the last time, so the result is that of unwinding.
 *
 * The user numbers frames: it gives a number to a return address below its caller's number, and says which frames are an interpreter's
 * loop. There the numbers begin anew, so that the frames between two loops (a segment) have the same number whatever is outside of them.
 */
#ifndef ALLOCTRACE_UNWIND_KEPT_FRAMES_H
#define ALLOCTRACE_UNWIND_KEPT_FRAMES_H

#include "unwind/stack_room.h"
#include "unwind/step.h"

enum { KEPT_C_FRAMES = 8192 /* a deeper stack is cut */ };

/* Frames, index 0 the outermost. The return address is below where the stack pointer is after the return. */
struct kept_c_frame {
    uintptr_t sp, pc;
};

/* A further word by which a frame's caller was found: the stored rbp, if the frame's size depends on it, and the CFA of a frame that
 * aligned its stack. */
struct kept_c_word {
    const uintptr_t *at;
    uintptr_t value;
};

/* The result of a walk. */
struct c_stack {
    uint32_t node;     /* the user's number of the innermost segment, 0 if it has no frame */
    uint32_t outer;    /* and of the segments outside of it */
    bool is_cut;       /* callers are missing */
    bool is_in_a_loop; /* an interpreter's loop is outside of the innermost segment */
};

struct kept_c_place {
    const uintptr_t *fp; /* where the frame's rbp is kept */
    struct c_stack stack;
    uint32_t words; /* of it and of all frames outside of it */
};

/* On the way to the first frame that is kept. */
struct pending_c_frame {
    struct unwind_frame frame;
    struct unwind_rule rule;
};

struct kept_c_frames {
    uint32_t depth;
    uintptr_t end; /* of the mapping that they are in */
    struct stack_rooms rooms;
    struct kept_c_frame frames[KEPT_C_FRAMES];
    struct kept_c_word words[2 * KEPT_C_FRAMES];
    struct kept_c_place places[KEPT_C_FRAMES];
    struct pending_c_frame pending[KEPT_C_FRAMES];
};

/* A user's functions: constants, so that calls are inlined. */
struct frame_numbers {
    uint32_t (*node)(void *user, uint32_t caller, uintptr_t pc);
    uint32_t (*outer)(void *user, uint32_t outer, uint32_t segment); /* NULL: only the innermost segment is wanted */
    bool (*is_loop)(void *user, struct unwind_rule rule, const struct unwind_frame *frame, uintptr_t end);
};

/* Finds the first kept frame, going outwards from `from`, that no longer leads to its kept caller. Returns that caller, or -1 if there is
 * none. */
static inline intptr_t kept_frames_find_change(const struct kept_c_frames *kept, intptr_t from)
{
    for (intptr_t i = from; i >= 0; i--) {
        for (uint32_t w = i ? kept->places[i - 1].words : 0; w < kept->places[i].words; w++)
            if (*kept->words[w].at != kept->words[w].value)
                return i - 1;
        if (i && ((const uintptr_t *)kept->frames[i - 1].sp)[-1] != kept->frames[i - 1].pc)
            return i - 1;
    }
    return -1;
}

/* Returns true if all callers of a kept frame are unchanged. Reads all words before it is known that they still have a meaning: they lie
 * between the frame and the end of its stack's mapping, so they can be read. */
ALWAYS_INLINE bool kept_frames_hold(const struct kept_c_frames *kept, intptr_t from)
{
    const struct kept_c_frame *frames = kept->frames;
    uintptr_t difference = 0;
    intptr_t i = from - 1;
    for (; i >= 3; i -= 4)
        difference |= (((const uintptr_t *)frames[i].sp)[-1] ^ frames[i].pc)
                      | (((const uintptr_t *)frames[i - 1].sp)[-1] ^ frames[i - 1].pc)
                      | (((const uintptr_t *)frames[i - 2].sp)[-1] ^ frames[i - 2].pc)
                      | (((const uintptr_t *)frames[i - 3].sp)[-1] ^ frames[i - 3].pc);
    for (; i >= 0; i--)
        difference |= ((const uintptr_t *)frames[i].sp)[-1] ^ frames[i].pc;
    for (uint32_t w = 0, words = kept->places[from].words; w < words; w++)
        difference |= *kept->words[w].at ^ kept->words[w].value;
    return difference == 0;
}

/* A frame that did not save rbp left it where its callee found it: it moves for all of them together. */
static inline void kept_frames_move_fp(struct kept_c_frames *kept, intptr_t from, const uintptr_t *fp)
{
    const uintptr_t *old = kept->places[from].fp;
    intptr_t i = from;
    for (; i >= 0 && kept->places[i].fp == old; i--)
        kept->places[i].fp = fp;
    for (uint32_t w = i >= 0 ? kept->places[i].words : 0; w < kept->places[from].words; w++)
        if (kept->words[w].at == old)
            kept->words[w].at = fp;
}

/* Returns the innermost kept frame at or outside of `from` that is `frame` and whose callers are unchanged, or -1 if there is none yet.
 * Sets *from to the place for the search of the next caller. */
ALWAYS_INLINE intptr_t kept_frames_meet(struct kept_c_frames *kept, intptr_t *from, const struct unwind_frame *frame)
{
    intptr_t i = *from;
    while (i >= 0 && kept->frames[i].sp < frame->sp)
        i--;
    *from = i;
    if (i < 0 || kept->frames[i].sp != frame->sp || kept->frames[i].pc != frame->pc)
        return -1;
    if (kept->places[i].fp != frame->fp)
        kept_frames_move_fp(kept, i, frame->fp);
    if (kept_frames_hold(kept, i))
        return i;
    *from = kept_frames_find_change(kept, i);
    return -1;
}

/* Adds a frame inside of the innermost kept one. */
ALWAYS_INLINE void kept_frames_add(struct kept_c_frames *kept, const struct frame_numbers *numbers, void *user,
                                   const struct pending_c_frame *pending, struct c_stack *stack, uintptr_t end)
{
    const struct unwind_frame *frame = &pending->frame;
    struct unwind_rule rule = pending->rule;
    uint32_t i = kept->depth++, words = i ? kept->places[i - 1].words : 0;
    if (numbers->is_loop(user, rule, frame, end)) {
        if (numbers->outer)
            stack->outer = numbers->outer(user, stack->outer, stack->node);
        stack->node = 0;
        stack->is_in_a_loop = true;
    } else {
        stack->node = numbers->node(user, stack->node, frame->pc);
    }
    if (rule.kind == UNWIND_BY_FP || rule.kind == UNWIND_REALIGNED || rule.fp == UNWIND_FP_AT_FP)
        kept->words[words++] = (struct kept_c_word){frame->fp, *frame->fp};
    if (rule.kind == UNWIND_REALIGNED) {
        const uintptr_t *at = (const uintptr_t *)(*frame->fp + (uintptr_t)(intptr_t)rule.cfa);
        if ((uintptr_t)at >= frame->sp && (uintptr_t)at < end)
            kept->words[words++] = (struct kept_c_word){at, *at};
    }
    kept->frames[i] = (struct kept_c_frame){.sp = frame->sp, .pc = frame->pc};
    kept->places[i] = (struct kept_c_place){.fp = frame->fp, .stack = *stack, .words = words};
}

/* Unwinds until a kept frame is met, and keeps the rest. */
ALWAYS_INLINE struct c_stack kept_frames_unwind(struct kept_c_frames *kept, const struct frame_numbers *numbers, void *user,
                                                struct unwind_frame frame)
{
    uintptr_t end = stack_rooms_end(&kept->rooms, frame.sp);
    if (__builtin_expect(kept->end != end, 0)) {
        kept->depth = 0;
        kept->end = end;
    }
    intptr_t met, from = (intptr_t)kept->depth - 1;
    uint32_t pendings = 0;
    bool is_cut = false, is_kept = true;
    while ((met = kept_frames_meet(kept, &from, &frame)) < 0) {
        struct unwind_rule rule = unwind_rule_of(frame.pc);
        is_kept = is_kept && rule.kind != UNWIND_SIGNAL; /* the interrupted function's pc is not where a call would have put it */
        kept->pending[pendings++] = (struct pending_c_frame){frame, rule};
        if (!numbers->outer && numbers->is_loop(user, rule, &frame, end))
            break;
        enum unwind_result result = pendings == KEPT_C_FRAMES ? UNWIND_CUT : unwind_step(rule, &frame, end);
        is_cut = result == UNWIND_CUT;
        if (result != UNWIND_STEPPED)
            break;
    }
    struct c_stack stack = met >= 0 ? kept->places[met].stack : (struct c_stack){.is_cut = is_cut};
    kept->depth = (uint32_t)(met + 1);
    if (kept->depth + pendings >= KEPT_C_FRAMES) {
        kept->depth = 0;
        is_kept = false;
    }
    while (pendings)
        kept_frames_add(kept, numbers, user, &kept->pending[--pendings], &stack, end);
    if (!is_kept)
        kept->depth = 0;
    return stack;
}

/* True if the stack is that of the last walk. */
ALWAYS_INLINE bool kept_frames_are_all(struct kept_c_frames *kept, const struct unwind_frame *frame)
{
    intptr_t top = (intptr_t)kept->depth - 1;
    return top >= 0 && kept->frames[top].sp == frame->sp && kept->frames[top].pc == frame->pc && kept->places[top].fp == frame->fp
           && kept->end == stack_rooms_end(&kept->rooms, frame->sp) && kept_frames_hold(kept, top);
}

#endif

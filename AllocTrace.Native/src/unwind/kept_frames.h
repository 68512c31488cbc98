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

/* What a walk compares. Index 0 is the outermost frame. */
struct kept_c_frame {
    uintptr_t sp, pc;
    const uintptr_t *check; /* where rbp is kept, if the frame depends on it; else of a zero */
    uintptr_t value;
};

/* What a walk finds. */
struct c_stack {
    uint32_t node;     /* the user's number of the innermost segment, 0 if it has no frame */
    uint32_t outer;    /* and of the segments outside of it */
    bool is_cut;       /* callers are missing */
    bool is_in_a_loop; /* an interpreter's loop is outside of the innermost segment */
};

struct kept_c_place {
    const uintptr_t *fp; /* where the frame's rbp is kept */
    struct c_stack stack;
    uint32_t realigned; /* the number of frames from the outermost to this one that aligned their stack */
};

struct kept_c_frames {
    uint32_t depth;
    uintptr_t zero;
    struct stack_rooms rooms;
    struct kept_c_frame frames[KEPT_C_FRAMES];
    struct kept_c_place places[KEPT_C_FRAMES];
    struct unwind_frame pending[KEPT_C_FRAMES];
};

/* A user's functions: constants, so that calls are inlined. */
struct frame_numbers {
    uint32_t (*node)(void *user, uint32_t caller, uintptr_t pc);
    uint32_t (*outer)(void *user, uint32_t outer, uint32_t segment); /* NULL: only the innermost segment is wanted */
    bool (*is_loop)(void *user, struct unwind_rule rule, const struct unwind_frame *frame, uintptr_t end);
};

/* Whether a kept frame leads to the callers that it led to. *failed: the innermost that it does not lead to. */
ALWAYS_INLINE bool kept_frames_hold(const struct kept_c_frames *kept, intptr_t from, intptr_t *failed)
{
    const struct kept_c_frame *frames = kept->frames;
    bool realigned = kept->places[from].realigned != 0;
    for (intptr_t i = from; i >= 0; i--) {
        *failed = i - 1;
        if (*frames[i].check != frames[i].value)
            return false;
        if (i == 0)
            break;
        if (((const uintptr_t *)frames[i - 1].sp)[-1] != frames[i - 1].pc)
            return false;
        if (realigned && kept->places[i].realigned != kept->places[i - 1].realigned
            && *(const uintptr_t *)(frames[i].value + (uintptr_t)(intptr_t)unwind_rule_of(frames[i].pc).cfa) != frames[i - 1].sp)
            return false;
    }
    return true;
}

/* A frame that did not save rbp left it where its callee found it: it moves for all of them together. */
static inline void kept_frames_move_fp(struct kept_c_frames *kept, intptr_t from, const uintptr_t *fp)
{
    const uintptr_t *old = kept->places[from].fp;
    for (intptr_t i = from; i >= 0 && kept->places[i].fp == old; i--) {
        kept->places[i].fp = fp;
        if (kept->frames[i].check == old)
            kept->frames[i].check = fp;
    }
}

/* Returns the innermost kept frame at or outside of `from` that is `frame` and whose callers are unchanged; -1: not yet. *from: where the
 * next caller is to be looked for. */
ALWAYS_INLINE intptr_t kept_frames_meet(struct kept_c_frames *kept, intptr_t *from, const struct unwind_frame *frame)
{
    intptr_t i = *from, failed;
    while (i >= 0 && kept->frames[i].sp < frame->sp)
        i--;
    *from = i;
    if (i < 0 || kept->frames[i].sp != frame->sp || kept->frames[i].pc != frame->pc)
        return -1;
    if (kept->places[i].fp != frame->fp)
        kept_frames_move_fp(kept, i, frame->fp);
    if (kept_frames_hold(kept, i, &failed))
        return i;
    *from = failed;
    return -1;
}

/* Adds a frame inside of the innermost kept one. */
ALWAYS_INLINE void kept_frames_add(struct kept_c_frames *kept, const struct frame_numbers *numbers, void *user,
                                   const struct unwind_frame *frame, struct c_stack *stack, uintptr_t end)
{
    struct unwind_rule rule = unwind_rule_of(frame->pc);
    bool needs_fp = rule.kind == UNWIND_BY_FP || rule.kind == UNWIND_REALIGNED || rule.fp == UNWIND_FP_AT_FP;
    uint32_t i = kept->depth++, realigned = i ? kept->places[i - 1].realigned : 0;
    if (numbers->is_loop(user, rule, frame, end)) {
        if (numbers->outer)
            stack->outer = numbers->outer(user, stack->outer, stack->node);
        stack->node = 0;
        stack->is_in_a_loop = true;
    } else {
        stack->node = numbers->node(user, stack->node, frame->pc);
    }
    kept->frames[i] = (struct kept_c_frame){.sp = frame->sp,
                                            .pc = frame->pc,
                                            .check = needs_fp ? frame->fp : &kept->zero,
                                            .value = needs_fp ? *frame->fp : 0};
    kept->places[i] =
        (struct kept_c_place){.fp = frame->fp, .stack = *stack, .realigned = realigned + (rule.kind == UNWIND_REALIGNED)};
}

/* Unwinds until a kept frame is met, and keeps the rest. */
ALWAYS_INLINE struct c_stack kept_frames_unwind(struct kept_c_frames *kept, const struct frame_numbers *numbers, void *user,
                                                struct unwind_frame frame)
{
    uintptr_t end = stack_rooms_end(&kept->rooms, frame.sp);
    intptr_t met = -1, from = (intptr_t)kept->depth - 1;
    uint32_t pendings = 0;
    bool is_cut = false, is_kept = true;
    while ((met = kept_frames_meet(kept, &from, &frame)) < 0) {
        struct unwind_rule rule = unwind_rule_of(frame.pc);
        is_kept = is_kept && rule.kind != UNWIND_SIGNAL; /* the interrupted function's pc is not where a call would have put it */
        kept->pending[pendings++] = frame;
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
    intptr_t top = (intptr_t)kept->depth - 1, failed;
    if (top < 0 || kept->frames[top].sp != frame->sp || kept->frames[top].pc != frame->pc || kept->places[top].fp != frame->fp)
        return false;
    return kept_frames_hold(kept, top, &failed);
}

#endif

/* step.h: from a frame to its caller's.
 *
 * Only words between the frame and the end of its stack's mapping are read. A step that leads elsewhere is not made.
 */
#ifndef ALLOCTRACE_UNWIND_STEP_H
#define ALLOCTRACE_UNWIND_STEP_H

#include "unwind/rule.h"

/* The registers of a frame whose callee returned. */
struct unwind_frame {
    uintptr_t pc; /* the return address */
    uintptr_t sp;
    const uintptr_t *fp; /* where its rbp is kept: not the register, so that it can be looked at again */
};

enum unwind_result {
    UNWIND_STEPPED,
    UNWIND_ENDED, /* at the outermost frame */
    UNWIND_CUT,   /* the caller cannot be found */
};

/* Where the kernel put the registers of the interrupted function; `frame` becomes it. Its pc is not a return address, but is looked up like
 * one: one more than where it was. */
enum unwind_result unwind_step_over_signal(struct unwind_frame *frame, uintptr_t end);

/* Makes the function that a signal interrupted a frame, the pc as above. context: what the signal's handler was given. False: not known on
 * this machine. */
bool unwind_interrupted(const void *context, struct unwind_frame *frame);

/* The CFA of the frame, 0 if it is not on the stack. */
ALWAYS_INLINE uintptr_t unwind_cfa(struct unwind_rule rule, const struct unwind_frame *frame, uintptr_t end)
{
    uintptr_t offset = (uintptr_t)(intptr_t)rule.cfa, cfa = 0;
    if (__builtin_expect(rule.kind == UNWIND_BY_SP, 1)) {
        cfa = frame->sp + offset;
    } else if (rule.kind == UNWIND_BY_FP) {
        cfa = *frame->fp + offset;
    } else if (rule.kind == UNWIND_REALIGNED) {
        uintptr_t at = *frame->fp + offset;
        if (at >= frame->sp && at <= end - sizeof(uintptr_t) && at % sizeof(uintptr_t) == 0)
            cfa = *(const uintptr_t *)at;
    } else if (rule.kind == UNWIND_LINKAGE) {
        cfa = frame->sp + 8 + (((frame->pc - 1) & 15) >= offset ? 8 : 0);
    }
    return cfa <= frame->sp || cfa > end || cfa % sizeof(uintptr_t) ? 0 : cfa;
}

/* end: the end of the mapping that the frame is in. */
ALWAYS_INLINE enum unwind_result unwind_step(struct unwind_rule rule, struct unwind_frame *frame, uintptr_t end)
{
    if (__builtin_expect(rule.kind == UNWIND_OUTERMOST, 0))
        return UNWIND_ENDED;
    if (__builtin_expect(rule.kind == UNWIND_SIGNAL, 0))
        return unwind_step_over_signal(frame, end);
    uintptr_t cfa = unwind_cfa(rule, frame, end);
    if (__builtin_expect(!cfa, 0))
        return UNWIND_CUT;
    if (rule.fp != UNWIND_FP_UNCHANGED) {
        uintptr_t at = rule.fp == UNWIND_FP_AT_FP ? *frame->fp : cfa + (uintptr_t)(intptr_t)rule.fp * sizeof(uintptr_t);
        if (__builtin_expect(at < frame->sp || at > end - sizeof(uintptr_t) || at % sizeof(uintptr_t), 0))
            return UNWIND_CUT;
        frame->fp = (const uintptr_t *)at;
    }
    frame->sp = cfa;
    frame->pc = ((const uintptr_t *)cfa)[-1];
    return frame->pc ? UNWIND_STEPPED : UNWIND_ENDED;
}

#endif

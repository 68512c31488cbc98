/* The frame that the kernel makes before it calls a signal handler. */
#define _GNU_SOURCE
#include <ucontext.h>

#include "unwind/step.h"

bool unwind_interrupted(const void *context, struct unwind_frame *frame)
{
#ifdef __x86_64__
    const greg_t *registers = ((const ucontext_t *)context)->uc_mcontext.gregs;
    frame->fp = (const uintptr_t *)&registers[REG_RBP];
    frame->pc = (uintptr_t)registers[REG_RIP] + 1;
    frame->sp = (uintptr_t)registers[REG_RSP];
    return true;
#else
    (void)context, (void)frame;
    return false;
#endif
}

enum unwind_result unwind_step_over_signal(struct unwind_frame *frame, uintptr_t end)
{
#ifdef __x86_64__
    if (frame->sp > end - sizeof(ucontext_t))
        return UNWIND_CUT;
    struct unwind_frame interrupted;
    unwind_interrupted((const void *)frame->sp, &interrupted);
    uintptr_t sp = interrupted.sp;
    if (sp <= frame->sp || sp > end - sizeof(uintptr_t) || sp % sizeof(uintptr_t)) /* the handler has a stack of its own */
        return UNWIND_CUT;
    *frame = interrupted;
    return UNWIND_STEPPED;
#else
    (void)frame, (void)end;
    return UNWIND_CUT;
#endif
}

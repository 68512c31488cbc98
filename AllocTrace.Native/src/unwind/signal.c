/* The frame that the kernel makes before it calls a signal handler. */
#define _GNU_SOURCE
#include <ucontext.h>

#include "unwind/step.h"

enum unwind_result unwind_step_over_signal(struct unwind_frame *frame, uintptr_t end)
{
#ifdef __x86_64__
    if (frame->sp > end - sizeof(ucontext_t))
        return UNWIND_CUT;
    const greg_t *registers = ((const ucontext_t *)frame->sp)->uc_mcontext.gregs;
    uintptr_t sp = (uintptr_t)registers[REG_RSP];
    if (sp <= frame->sp || sp > end - sizeof(uintptr_t) || sp % sizeof(uintptr_t)) /* the handler has a stack of its own */
        return UNWIND_CUT;
    frame->fp = (const uintptr_t *)&registers[REG_RBP];
    frame->pc = (uintptr_t)registers[REG_RIP] + 1;
    frame->sp = sp;
    return UNWIND_STEPPED;
#else
    (void)frame, (void)end;
    return UNWIND_CUT;
#endif
}

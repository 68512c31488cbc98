#define _GNU_SOURCE
#include <ucontext.h>

#include "platform/signals.h"

bool signal_frame_read(uintptr_t frame, uintptr_t end, struct interrupted *interrupted)
{
#ifdef __x86_64__
    if (frame > end - sizeof(ucontext_t))
        return false;
    const greg_t *registers = ((const ucontext_t *)frame)->uc_mcontext.gregs;
    *interrupted = (struct interrupted){
        .pc = (uintptr_t)registers[REG_RIP], .sp = (uintptr_t)registers[REG_RSP], .fp = (const uintptr_t *)&registers[REG_RBP]};
    return true;
#else
    (void)frame, (void)end, (void)interrupted;
    return false;
#endif
}

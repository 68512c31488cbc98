#define _GNU_SOURCE
#include <ucontext.h>

#include "platform/signals.h"

bool interrupted_read(const void *context, struct interrupted *interrupted)
{
#ifdef __x86_64__
    const greg_t *registers = ((const ucontext_t *)context)->uc_mcontext.gregs;
    *interrupted = (struct interrupted){
        .pc = (uintptr_t)registers[REG_RIP], .sp = (uintptr_t)registers[REG_RSP], .fp = (const uintptr_t *)&registers[REG_RBP]};
    return true;
#else
    (void)context, (void)interrupted;
    return false;
#endif
}

bool signal_frame_read(uintptr_t frame, uintptr_t end, struct interrupted *interrupted)
{
    return frame <= end - sizeof(ucontext_t) && interrupted_read((const void *)frame, interrupted);
}

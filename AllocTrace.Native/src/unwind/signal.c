/* The frame that the kernel makes before it calls a signal handler. */
#include "platform/signals.h"
#include "unwind/step.h"

static void become(struct unwind_frame *frame, const struct interrupted *interrupted)
{
    frame->fp = interrupted->fp;
    frame->pc = interrupted->pc + 1;
    frame->sp = interrupted->sp;
}

bool unwind_interrupted(const void *context, struct unwind_frame *frame)
{
    struct interrupted interrupted;
    if (!interrupted_read(context, &interrupted))
        return false;
    become(frame, &interrupted);
    return true;
}

enum unwind_result unwind_step_over_signal(struct unwind_frame *frame, uintptr_t end)
{
    struct interrupted interrupted;
    if (!signal_frame_read(frame->sp, end, &interrupted))
        return UNWIND_CUT;
    uintptr_t sp = interrupted.sp;
    if (sp <= frame->sp || sp > end - sizeof(uintptr_t) || sp % sizeof(uintptr_t)) /* the handler has a stack of its own */
        return UNWIND_CUT;
    become(frame, &interrupted);
    return UNWIND_STEPPED;
}

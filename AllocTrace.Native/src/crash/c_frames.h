/* c_frames.h: the C stack of the thread that got a fatal signal. x86-64 only; elsewhere there are no frames. */
#ifndef ALLOCTRACE_CRASH_C_FRAMES_H
#define ALLOCTRACE_CRASH_C_FRAMES_H

#include "alloctrace/wire.h"

/* Prepares for the handler. It may allocate, and asks the loader: not from a hook. Idempotent; not for several threads at once. */
void crash_c_frames_begin(void);

/* Adds the frames that lead to where the signal interrupted the thread. context: what the handler was given. Takes no lock. Reading a stack
 * that is damaged may fault: what was found before stays. */
void crash_add_c_frames(struct alloctrace_crash *crash, const void *context);

#endif

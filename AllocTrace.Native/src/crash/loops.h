/* loops.h: the interpreter's loops that the crashed thread is in, by the local variables that CPython links into a list: the rules of
 * capture/c_stacks/loops.h. To CPython 3.10 there is no list. */
#ifndef ALLOCTRACE_CRASH_LOOPS_H
#define ALLOCTRACE_CRASH_LOOPS_H

#include "callstack/internal.h"

/* Keeps a Python frame of the crashed thread, innermost first. */
void crash_loops_add_frame(const void *frame);

/* Finds the loops that run the kept frames. It may fault: those that were found before stay. */
void crash_loops_find(const struct alloctrace_python *python, const void *thread_state);

/* Returns how many Python frames the C frame at these addresses runs, with all inside of them; 0 if it is no loop. */
uint32_t crash_loops_python_frames(uintptr_t begin, uintptr_t end);

#endif

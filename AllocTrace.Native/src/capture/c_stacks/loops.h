/* loops.h: which C frames are an interpreter's loop.
 *
 * Names do not tell: compilers split the loop into parts that no symbol covers. What tells is a local variable of the loop that CPython
 * links into a list: from 3.13 on the entry trampoline, a frame; in 3.11 and 3.12 the C frame record (_PyCFrame). The C frame that contains
 * such a variable is its loop's. To 3.10 it is the function _PyEval_EvalFrameDefault. What was found out for a return address is kept with
 * its rule.
 */
#ifndef ALLOCTRACE_NATIVE_LOOPS_H
#define ALLOCTRACE_NATIVE_LOOPS_H

#include "capture/recording.h"
#include "unwind/step.h"

/* Finds out whether a frame is a loop's, by the stack of its runtime in the calling thread, and keeps the answer with its rule. Unmarked:
 * that cannot be known yet. end: of the stack's mapping. */
enum unwind_mark loops_find(const struct traced_runtime *runtime, bool holds_gil, struct unwind_rule rule, const struct unwind_frame *frame,
                            uintptr_t end);

/* Finds the loop of a CPython that has no list, by its symbol. */
void loops_begin(struct traced_runtime *runtime);

#endif

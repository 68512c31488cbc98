/* frame_program.h: runs the program by which an unwind table says how a function's frame is left (DWARF 5, section 6.4.2). */
#ifndef ALLOCTRACE_UNWIND_FRAME_PROGRAM_H
#define ALLOCTRACE_UNWIND_FRAME_PROGRAM_H

#include "unwind/eh_frame.h"
#include "unwind/rule.h"

/* The rule at an instruction of the function. Its kind is UNWIND_UNKNOWN when the program says something that no rule can. */
struct unwind_rule frame_program_run(const struct eh_function *function, uintptr_t pc);

#endif

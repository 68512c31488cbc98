/* report.h: filling in struct alloctrace_crash. For the one thread that handles the signal; only async-signal-safe calls, no lock, no
 * malloc. */
#ifndef ALLOCTRACE_CRASH_REPORT_H
#define ALLOCTRACE_CRASH_REPORT_H

#include <stdint.h>

#include "alloctrace/wire.h"

/* Where a step goes on that faulted: set before each, so that a fault costs what that step had left to do. */
void report_threads(struct alloctrace_crash *crash, uint32_t os_id);
void report_allocations(struct alloctrace_crash *crash);

/* In the handler of a signal that came while the report was written: goes on with the next step. Does not return if a step was going on. */
void report_fault(struct alloctrace_crash *crash, int signal);

#endif

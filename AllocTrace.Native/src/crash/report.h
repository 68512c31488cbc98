/* report.h: filling in struct alloctrace_crash. For the one thread that handles the signal; only async-signal-safe calls, no lock, no
 * malloc. */
#ifndef ALLOCTRACE_CRASH_REPORT_H
#define ALLOCTRACE_CRASH_REPORT_H

#include <stdint.h>

#include "alloctrace/wire.h"

/* The steps of a report. Each sets where to continue after a fault, so a fault loses only the rest of its own step. */
void report_threads(struct alloctrace_crash *crash, uint32_t os_id);
void report_allocations(struct alloctrace_crash *crash);

/* context: what the handler was given. */
void report_c_stack(struct alloctrace_crash *crash, const void *context);

/* Called in the handler of a signal that arrives while the report is written: continues with the next step. Does not return if a step
 * was running. */
void report_fault(struct alloctrace_crash *crash, int signal);

#endif

/* crash.h: the option crash. On SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT, the stacks of all threads, the signal and the last allocations
 * are written to the session (struct alloctrace_crash in wire.h). Then the previous handler runs: nothing changes for the program, its exit
 * status or its core file. */
#ifndef ALLOCTRACE_CRASH_H
#define ALLOCTRACE_CRASH_H

/* Installs the handlers, once in a process and its forked children. The session exists. Under the recording lock. */
void crash_arm(void);

#endif

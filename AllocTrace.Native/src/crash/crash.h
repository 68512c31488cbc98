/* crash.h: the option crash. On SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT, the stacks of all threads, the signal and the last allocations
 * are written to the session (struct alloctrace_crash in wire.h). Then the previous handler runs: nothing changes for the program, its exit
 * status or its core file. */
#ifndef ALLOCTRACE_CRASH_H
#define ALLOCTRACE_CRASH_H

/* Installs the handlers, once in a process and its forked children. The session exists. Under the recording lock. */
void crash_arm(void);

/* Maps a stack for the handler in the calling thread, unless it has one of its own: a fault because the stack is full could not be handled
 * on it. Returns the argument for crash_release_stack, or NULL if nothing was mapped. */
void *crash_thread_begins(void);
void crash_thread_ends(void);

/* Unmaps the stack of a thread that ended without crash_thread_ends. */
void crash_release_stack(void *stack);

#endif

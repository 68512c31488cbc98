/* signals.h: handlers of the signals that end a process, the stacks that handlers run on, and the frames that the kernel makes for them. */
#ifndef ALLOCTRACE_SIGNALS_H
#define ALLOCTRACE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

struct fatal_signal {
    int number, code;
    bool is_sent;        /* by a process; else a fault raised it */
    uint32_t sender;     /* its process id; 0: the signal does not have one */
    uint64_t address;    /* of the fault; 0 if it was sent */
    const void *context; /* for interrupted_read */
};

/* Installs a handler of SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT, which calls on_signal and then has the earlier handler called: nothing
 * is changed for the program, its exit status or its core file. A signal that was sent and that the program ignores is not passed to
 * on_signal. on_signal must be async-signal-safe, and is called again for a fault within itself. */
void fatal_signals_catch(void (*on_signal)(const struct fatal_signal *signal));

/* Gives the calling thread a stack for handlers, unless it has one of its own: a fault because the stack is full could not be handled on
 * it. Returns what signal_stack_release takes; NULL: nothing was mapped. */
void *signal_stack_begin(void);
void signal_stack_end(void);

/* Gives back the stack of a thread that is gone without signal_stack_end. */
void signal_stack_release(void *stack);

/* The registers of the function that a signal interrupted. */
struct interrupted {
    uintptr_t pc, sp;
    const uintptr_t *fp; /* where its frame pointer is kept */
};

/* Reads what the handler of a signal was given. Returns false if it is not known on this architecture. */
bool interrupted_read(const void *context, struct interrupted *interrupted);

/* Reads the frame that the kernel made at `frame` before it called a handler. Returns false if the frame does not end before `end`, or if
 * it is not known on this architecture. */
bool signal_frame_read(uintptr_t frame, uintptr_t end, struct interrupted *interrupted);

#endif

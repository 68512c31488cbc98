/* pass_signals.h: for `alloctrace run`, which loads this library to hand on to its child what others send to it. No part of recording.
 *
 * A managed program cannot tell who sent a signal; a handler with SA_SIGINFO can. What a terminal sends reaches the whole process group,
 * the child included, and comes from the kernel (si_code SI_KERNEL). What a process sends with kill(2) and the like (si_code <= 0) reaches
 * this process alone.
 *
 * What a process sends to the whole group (kill with a negative number) looks the same: siginfo has the sender and no receiver. It is
 * passed on, so the child gets it twice. Only another process in the group could see the difference, and what names processes by their
 * program (pidof) would reach that one too: a signal that was meant for this process alone would then be taken for the group's, and lost.
 */
#ifndef ALLOCTRACE_PASS_SIGNALS_H
#define ALLOCTRACE_PASS_SIGNALS_H

/* Takes over HUP, INT, QUIT, TERM, USR1, USR2, CONT, WINCH, ALRM and the like, except those that are ignored. From then on none of them
 * ends this process. child: the process that gets them; 0: there is none yet, they are kept for it; -1: there is none any longer, they do
 * nothing. To be called by one thread at a time. */
__attribute__((visibility("default"))) void alloctrace_pass_signals(int child);

#endif

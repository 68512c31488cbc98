/* orphan.h: a process that this one starts and that is not its child: no SIGCHLD, nothing to wait for. */
#ifndef ALLOCTRACE_ORPHAN_H
#define ALLOCTRACE_ORPHAN_H

struct orphan {
    const char *const *programs; /* paths, NULL after the last: the first that can be executed becomes the process */
    char **arguments;            /* the first is set to the program's path; NULL after the last */
    char **variables;            /* its environment, NULL after the last */
    int descriptor;              /* of this process */
};

/* Starts the process in a session of its own, in the root folder, without handlers and masks. It has /dev/null open as 0 to 2, the
 * descriptor as 3, and nothing else (before Linux 5.9 also what is not closed by exec). Returns 0, or the errno of what failed on the way.
 */
int os_start_orphan(const struct orphan *orphan);

#endif

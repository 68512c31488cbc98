/* A program that embeds CPython, starts its own recording and names a moment of it. README.md beside this file builds and runs it. */
#include <Python.h>

#include <alloctrace/alloctrace.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FILE.db\n", argv[0]);
        return 2;
    }
    if (alloctrace_start(argv[1], NULL) != ALLOCTRACE_DONE) /* before the interpreter's first allocation */
        return 1;                                           /* a line on stderr said why */

    Py_Initialize();
    PyRun_SimpleString("def log_in(n):\n"
                       "    return [bytes(5000) for _ in range(n)]\n"
                       "sessions = log_in(100)\n");
    alloctrace_snapshot("a hundred sessions");
    PyRun_SimpleString("sessions += log_in(200)\n");

    struct alloctrace_status status = {.size = sizeof status};
    alloctrace_get_status(&status);
    printf("CPythons hooked: %u, events lost: %llu\n", status.runtimes, (unsigned long long)status.lost_events);

    alloctrace_stop(); /* the database is complete when this returns; without it, when the process ends */
    return Py_FinalizeEx() < 0;
}

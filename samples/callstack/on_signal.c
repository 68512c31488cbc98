/* A signal-driven dump: kill -USR1 PID writes the Python stacks of all threads of this program to its error output, GIL or not.
 *
 *     cc -shared -fPIC on_signal.c -I…/include -L… -lalloctrace -o on_signal.so
 *     python3 -c 'import ctypes; ctypes.CDLL("./on_signal.so").dump_on_signal(10); …'
 */
#include <signal.h>
#include <unistd.h>

#include <alloctrace/callstack.h>

static const struct alloctrace_python *python;

static void on_signal(int number)
{
    (void)number;
    alloctrace_stacks_print(python, STDERR_FILENO);
}

/* Call it once Python runs. Negative: this Python cannot be walked. */
__attribute__((visibility("default"))) int dump_on_signal(int number)
{
    python = alloctrace_python_find(0, NULL);
    if (!python)
        return -1;
    python = alloctrace_python_careful(python); /* other threads go on meanwhile */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
    return sigaction(number, &action, NULL);
}

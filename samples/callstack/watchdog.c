/* A watchdog thread: when nobody has said for so long that all is well, it prints what all Python threads are doing, and again each time
 * that much passes. It never takes the GIL, which is what it may have to tell about.
 *
 *     python3 -c 'import ctypes; w = ctypes.CDLL("./watchdog.so"); w.watch(500); w.all_is_well(); while_true_in_c()'
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include <alloctrace/callstack.h>

static const struct alloctrace_python *python;
static atomic_uint heard;
static unsigned patience_ms;

static void *watch_for_ever(void *unused)
{
    static const char line[] = "watchdog: nothing was heard; this is what the threads are doing\n";
    struct timespec patience = {patience_ms / 1000, patience_ms % 1000 * 1000000L};
    for (;;) {
        unsigned before = heard;
        nanosleep(&patience, NULL);
        if (heard == before && write(STDERR_FILENO, line, sizeof line - 1) > 0)
            alloctrace_stacks_print(python, STDERR_FILENO);
    }
    return unused;
}

__attribute__((visibility("default"))) void all_is_well(void)
{
    heard++;
}

/* Call it once Python runs. Not 0: this Python cannot be walked, or there is no thread to be had. */
__attribute__((visibility("default"))) int watch(unsigned milliseconds)
{
    pthread_t thread;
    python = alloctrace_python_find(0, NULL);
    if (!python)
        return -1;
    python = alloctrace_python_careful(python); /* the threads go on meanwhile */
    patience_ms = milliseconds;
    return pthread_create(&thread, NULL, watch_for_ever, NULL) || pthread_detach(thread);
}

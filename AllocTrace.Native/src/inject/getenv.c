/* How hooks come back that pre-initialization replaced: CPython reads its PYTHON… variables throughout its start, before and after it sets
 * up its allocators, with getenv. Preloaded, ours comes first, whether the interpreter is a library or the executable.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "capture/hook.h"
#include "capture/recording.h"
#include "capture/thread.h"
#include "python/thread_state.h"

typedef char *(*getenv_function)(const char *name);

static getenv_function next(const char *symbol)
{
    return (getenv_function)dlsym(RTLD_NEXT, symbol);
}

static bool is_attached(void)
{
    const struct python_runtime *python = &recording.python;
    bool attached = false;
    if (python->layout)
        thread_state_current(python->layout, python, &attached);
    return attached;
}

static void look_again(const char *name)
{
    if (!recording.fork_local || strncmp(name, "PYTHON", 6) != 0)
        return;
    /* pymalloc itself asks for this one, in the middle of its first allocation. */
    if (strcmp(name, "PYTHONMALLOCSTATS") == 0 || thread_is_inside())
        return;
    bool attached = is_attached();
    if (attached || !recording.python.is_initialized || !recording.python.is_initialized())
        hook_restore(attached);
}

__attribute__((visibility("default"))) char *getenv(const char *name)
{
    static getenv_function real;
    if (!real)
        real = next("getenv");
    look_again(name);
    return real(name);
}

__attribute__((visibility("default"))) char *secure_getenv(const char *name)
{
    static getenv_function real;
    if (!real)
        real = next("secure_getenv");
    look_again(name);
    return real(name);
}

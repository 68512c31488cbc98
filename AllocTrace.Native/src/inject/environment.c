/* CPython reads its PYTHON… variables with getenv throughout its start, before and after it sets up its allocators: that is when hooks come
 * back that pre-initialization replaced. Preloaded, ours comes first, whether the interpreter is a library or the executable. */
#define _GNU_SOURCE
#include "inject/environment.h"

#include <dlfcn.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "inject/dlsym.h"
#include "inject/runtimes.h"

typedef char *(*getenv_function)(const char *name);

static getenv_function next(const char *symbol)
{
    return (getenv_function)dlsym(RTLD_NEXT, symbol);
}

static void python_may_start(void)
{
    if (!runtimes_are_watched())
        return;
    if (recording.fork_local->loader_is_free)
        runtimes_look(ALLOCTRACE_FOUND_GETENV);
    runtimes_restore();
}

/* pymalloc itself asks for PYTHONMALLOCSTATS, in the middle of its first allocation. */
static bool is_asked_by_python(const char *name)
{
    return name && strncmp(name, "PYTHON", 6) == 0 && strcmp(name, "PYTHONMALLOCSTATS") != 0;
}

static char *look_and_get(getenv_function real, const char *name)
{
    if (is_asked_by_python(name))
        python_may_start();
    return real(name);
}

static char *get(const char *name)
{
    static getenv_function real;
    if (!real)
        real = next("getenv");
    return look_and_get(real, name);
}

/* Set before the first image of that namespace is redirected here. */
static getenv_function getenv_of_namespace;

static char *getenv_in_namespace(const char *name)
{
    if (is_asked_by_python(name) && runtimes_are_watched())
        runtimes_restore_in_namespace();
    return getenv_of_namespace(name);
}

__attribute__((visibility("default"), alias("get"))) char *getenv(const char *name);

__attribute__((visibility("default"))) char *secure_getenv(const char *name)
{
    static getenv_function real;
    if (!real)
        real = next("secure_getenv");
    return look_and_get(real, name);
}

/* Isolated, CPython reads no variables, but it asks for the encoding of its streams after it has set up its allocators. */
static char *langinfo(nl_item item)
{
    static char *(*real)(nl_item item);
    if (!real)
        real = (char *(*)(nl_item))dlsym(RTLD_NEXT, "nl_langinfo");
    if (item == CODESET)
        python_may_start();
    return real(item);
}

__attribute__((visibility("default"), alias("langinfo"))) char *nl_langinfo(nl_item item);

/* The first image that defines dlsym, as the loader orders them: this library, when it was preloaded or is linked with the executable.
 * Loaded later it comes after the C library, and nobody calls its functions by name. */
static bool note_if_ours(const struct image *image, void *is_ours)
{
    if (!image_symbol(image, "dlsym"))
        return false;
    *(bool *)is_ours = (uintptr_t)note_if_ours >= image->begin && (uintptr_t)note_if_ours < image->end;
    return true;
}

bool environment_is_called_by_name(void)
{
    static int answer;
    if (!answer) {
        bool is_ours = false;
        image_visit(note_if_ours, &is_ours);
        answer = is_ours ? 1 : -1;
    }
    return answer > 0;
}

static bool redirect_look_ups(const struct image *image, void *unused)
{
    (void)unused;
    bool is_ours = (uintptr_t)note_if_ours >= image->begin && (uintptr_t)note_if_ours < image->end;
    if (!is_ours && !image_symbol(image, "dlsym"))
        image_redirect(image, "dlsym", (void *)alloctrace_dlsym);
    return false;
}

void environment_watch_hosts(void)
{
    if (!environment_is_called_by_name())
        image_visit(redirect_look_ups, NULL);
}

/* Other libraries may stand before us, rightly. Only what was loaded with RTLD_DEEPBIND goes past all of us. */
static bool goes_past(const struct image *python, const char *name, const void *ours)
{
    if (!environment_is_called_by_name())
        return true;
    uintptr_t target = image_import(python, name), first = (uintptr_t)dlsym(RTLD_DEFAULT, name);
    bool is_unbound = target >= python->begin && target < python->end;
    return is_unbound ? first == (uintptr_t)ours : target != first;
}

void environment_watch(const struct image *python, void *getenv_there)
{
    bool is_elsewhere = !python->begin;
    if (is_elsewhere && getenv_there) {
        if (!getenv_of_namespace)
            getenv_of_namespace = (getenv_function)getenv_there;
        image_redirect(python, "getenv", (void *)getenv_in_namespace);
    } else if (!is_elsewhere) {
        if (goes_past(python, "getenv", (void *)get))
            image_redirect(python, "getenv", (void *)get);
        if (goes_past(python, "nl_langinfo", (void *)langinfo))
            image_redirect(python, "nl_langinfo", (void *)langinfo);
    }
}

bool environment_arm(void)
{
    const char *path = getenv("ALLOCTRACE");
    if (!path || !*path || os_is_privileged())
        return false;
    static struct options options;
    char error[256];
    if (!options_parse(&options, path, getenv("ALLOCTRACE_OPTIONS"), error, sizeof error)) {
        os_message("%s; nothing is recorded", error);
        return false;
    }
    return recording_arm(&options);
}

/* Other threads may be reading the environment: nothing moves, one byte changes. */
void environment_python_was_found(void)
{
    char *path = recording.options.children ? NULL : getenv("ALLOCTRACE");
    if (path && *path)
        *path = '\0';
}

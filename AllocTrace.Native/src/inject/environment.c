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
#include "lifecycle/lifecycle.h"

typedef char *(*getenv_function)(const char *name);

static getenv_function real_getenv, real_secure_getenv;
static char *(*real_langinfo)(nl_item item);

static void find_functions(void)
{
    if (!real_langinfo)
        real_langinfo = (char *(*)(nl_item))dlsym(RTLD_NEXT, "nl_langinfo");
    if (!real_secure_getenv)
        real_secure_getenv = (getenv_function)dlsym(RTLD_NEXT, "secure_getenv");
    if (!real_getenv)
        real_getenv = (getenv_function)dlsym(RTLD_NEXT, "getenv");
}

static void python_may_start(const void *caller)
{
    if (!runtimes_are_watched())
        return;
    if (recording.fork_local->loader_is_free)
        runtimes_look_at_caller(caller);
    runtimes_restore();
}

/* pymalloc itself asks for PYTHONMALLOCSTATS, in the middle of its first allocation. */
static bool is_asked_by_python(const char *name)
{
    return name && strncmp(name, "PYTHON", 6) == 0 && strcmp(name, "PYTHONMALLOCSTATS") != 0;
}

static void variable_is_asked(const char *name, const void *caller)
{
    if (!is_asked_by_python(name))
        return;
    lifecycle_tell_refusal();
    python_may_start(caller);
}

static char *get(const char *name)
{
    if (!real_getenv)
        find_functions();
    variable_is_asked(name, __builtin_return_address(0));
    return real_getenv(name);
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
    if (!real_secure_getenv)
        find_functions();
    variable_is_asked(name, __builtin_return_address(0));
    return real_secure_getenv(name);
}

/* Isolated, CPython reads no variables, but it asks for the encoding of its streams after it has set up its allocators. */
static char *langinfo(nl_item item)
{
    if (!real_langinfo)
        find_functions();
    if (item == CODESET)
        python_may_start(__builtin_return_address(0));
    return real_langinfo(item);
}

__attribute__((visibility("default"), alias("langinfo"))) char *nl_langinfo(nl_item item);

/* Notes if the first image that defines dlsym, in the loader's order, is this library: it is if it was preloaded or is linked with the
 * executable. Loaded later it comes after the C library, and its functions are not called by name. */
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

static void watch_hosts(void)
{
    if (!environment_is_called_by_name())
        image_visit(redirect_look_ups, NULL);
}

struct definition {
    const char *name;
    uintptr_t address;
};

/* In the loader's order. dlsym would say the same, but takes the loader's lock. */
static bool note_first(const struct image *image, void *context)
{
    struct definition *first = context;
    first->address = (uintptr_t)image_symbol(image, first->name);
    return first->address;
}

/* Returns true if calls go past this library. Other libraries may come before it. Only an image that was loaded with RTLD_DEEPBIND goes
 * past all of them. */
static bool goes_past(const struct image *python, const char *name, const void *ours)
{
    if (!environment_is_called_by_name())
        return true;
    struct definition first = {.name = name};
    image_visit(note_first, &first);
    uintptr_t target = image_import(python, name);
    bool is_unbound = target >= python->begin && target < python->end;
    return is_unbound ? first.address == (uintptr_t)ours : target != first.address;
}

static void watch(const struct image *python, const char *name, void *ours)
{
    if (goes_past(python, name, ours))
        image_redirect(python, name, ours);
}

/* Makes a CPython ask this library for its variables, where it would not by itself. getenv_there: that of its own C library when it is in a
 * namespace of its own (of several such namespaces the first's is used: they began with the same variables); else NULL. */
static void watch_python(const struct image *python, void *getenv_there)
{
    bool is_elsewhere = !python->begin;
    if (is_elsewhere && getenv_there) {
        if (!getenv_of_namespace)
            getenv_of_namespace = (getenv_function)getenv_there;
        image_redirect(python, "getenv", (void *)getenv_in_namespace);
    } else if (!is_elsewhere) {
        watch(python, "getenv", (void *)get);
        watch(python, "nl_langinfo", (void *)langinfo);
        watch(python, "dlsym", (void *)alloctrace_dlsym); /* by which it finds what extensions export */
    }
}

/* With children=off, programs that this process starts are to be left alone: from here on its environment names no recording. Other threads
 * may be reading the environment: nothing moves, one byte changes. */
static void hide_recording_from_children(void)
{
    char *path = recording.options.children ? NULL : getenv("ALLOCTRACE");
    if (path && *path)
        *path = '\0';
}

static void python_was_found(const struct image *python, void *getenv_there)
{
    hide_recording_from_children();
    watch_python(python, getenv_there);
}

void environment_begin(void)
{
    static const struct runtimes_listener listener = {.look = watch_hosts, .found = python_was_found};
    find_functions();
    runtimes_listen(&listener);
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
    return lifecycle_arm(&options);
}

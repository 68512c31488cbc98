#define _GNU_SOURCE
#include "python/runtime.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uintptr_t never_finalizing;

static void *look_up(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}

/* "3.14.10 (main, …) [GCC …]", with "experimental free-threading build" or "free-threading build" in it when that is so. */
static void parse_version(struct python_runtime *python, unsigned *minor, bool *free_threaded)
{
    const char *(*get_version)(void) = (const char *(*)(void))look_up("Py_GetVersion"); /* callable before Py_Initialize */
    snprintf(python->version, sizeof python->version, "%s", get_version ? get_version() : "");
    unsigned major = 0, micro = 0;
    *minor = 0;
    if (sscanf(python->version, "%u.%u.%u", &major, minor, &micro) < 2 || major != 3)
        *minor = 0;
    const unsigned long *published = look_up("Py_Version"); /* 3.11 and later */
    python->hex = published ? (uint32_t)*published : (uint32_t)(major << 24 | *minor << 16 | micro << 8);
    *free_threaded = strstr(python->version, "free-threading build") != NULL;
}

static const char *choose_layout(struct python_runtime *python, unsigned minor, bool free_threaded)
{
    static char reason[160];
    const void *runtime = look_up("_PyRuntime");
    const char *field;
    const struct layout *layout = layout_find(minor, free_threaded);
#if !defined(__x86_64__) && !defined(__aarch64__)
    return "the layouts of CPython are only known for 64-bit machines";
#endif
    if (!layout) {
        snprintf(reason, sizeof reason, "the layout of CPython %.20s is not known", python->version);
        return reason;
    }
    if (minor <= 12 && look_up("PyModule_Create2TraceRefs")) /* the macro name that Py_TRACE_REFS gives PyModule_Create2 */
        return "CPython was built with Py_TRACE_REFS";
    if (!runtime || !python->attached_thread_state || !python->own_thread_state || !python->unicode_type || !python->code_type
        || !python->eval_get_globals || !python->code_address_to_line)
        return "CPython does not export what the frame walk needs";
    if (!layout_matches_debug_offsets(layout, runtime, &field)) {
        snprintf(reason, sizeof reason, "this CPython %.20s has another layout than is known (%s)", python->version, field);
        return reason;
    }
    python->layout = layout;
    python->finalizing = (const uintptr_t *)((uintptr_t)runtime + layout->runtime_finalizing);
    return NULL;
}

bool python_runtime_find(struct python_runtime *python)
{
    *python = (struct python_runtime){.finalizing = &never_finalizing};
    python->get_allocator = (void (*)(int, struct python_allocator *))look_up("PyMem_GetAllocator");
    python->set_allocator = (void (*)(int, struct python_allocator *))look_up("PyMem_SetAllocator");
    if (!python->get_allocator || !python->set_allocator)
        return false;

    void *attached = look_up("PyThreadState_GetUnchecked"); /* 3.13 and later; the same function under its old name before */
    if (!attached)
        attached = look_up("_PyThreadState_UncheckedGet");
    python->attached_thread_state = (uintptr_t(*)(void))attached;
    python->own_thread_state = (uintptr_t(*)(void))look_up("PyGILState_GetThisThreadState");
    python->interpreter_id = (int64_t(*)(uintptr_t))look_up("PyInterpreterState_GetID");
    python->is_initialized = (int (*)(void))look_up("Py_IsInitialized");
    python->unicode_type = (uintptr_t)look_up("PyUnicode_Type");
    python->code_type = (uintptr_t)look_up("PyCode_Type");
    python->eval_get_globals = (uintptr_t(*)(void))look_up("PyEval_GetGlobals");
    python->code_address_to_line = (int (*)(uintptr_t, int))look_up("PyCode_Addr2Line");

    unsigned minor;
    bool free_threaded;
    parse_version(python, &minor, &free_threaded);
    python->no_stacks_reason = choose_layout(python, minor, free_threaded);
    return true;
}

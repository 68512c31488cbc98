#include "python/runtime.h"

#include <stdio.h>
#include <string.h>

static const uintptr_t never_finalizing;

/* A decimal number and the point after it; 0: there is none. Not sscanf or strtoul: built with a newer glibc they become functions that
 * other C libraries do not have, and programs that use these would not start. */
static unsigned read_number(const char **at)
{
    unsigned number = 0;
    for (; **at >= '0' && **at <= '9'; ++*at)
        number = number * 10 + (unsigned)(**at - '0');
    *at += **at == '.';
    return number;
}

/* "3.14.10 (main, …) [GCC …]", with "experimental free-threading build" or "free-threading build" in it when that is so. */
static void parse_version(struct python_runtime *python, unsigned *minor, bool *free_threaded)
{
    const char *(*get_version)(void) =
        (const char *(*)(void))image_symbol(&python->image, "Py_GetVersion"); /* callable before Py_Initialize */
    snprintf(python->version, sizeof python->version, "%s", get_version ? get_version() : "");
    const char *at = python->version;
    unsigned major = read_number(&at), micro;
    *minor = major == 3 ? read_number(&at) : 0;
    micro = read_number(&at);
    const unsigned long *published = image_data(&python->image, "Py_Version"); /* 3.11 and later */
    python->hex = published ? (uint32_t)*published : (uint32_t)(major << 24 | *minor << 16 | micro << 8);
    *free_threaded = strstr(python->version, "free-threading build") != NULL;
}

static void choose_layout(struct python_runtime *python, unsigned minor, bool free_threaded)
{
    const void *runtime = image_data(&python->image, "_PyRuntime");
    const char *field;
    const struct layout *layout = layout_find(minor, free_threaded);
    char *reason = python->no_stacks_reason;
    const size_t size = sizeof python->no_stacks_reason;
    int number = (int)strcspn(python->version, " "); /* of characters: the build and the compiler follow */
    bool exports_enough = runtime && python->attached_thread_state && python->own_thread_state && python->unicode_type && python->code_type
                          && python->eval_get_globals && python->code_address_to_line;
#if !defined(__x86_64__) && !defined(__aarch64__)
    snprintf(reason, size, "the layouts of CPython are only known for 64-bit machines");
    return;
#endif
    if (!layout)
        snprintf(reason, size, "the layout of CPython %.*s is not known", number, python->version);
    else if (minor <= 12 && image_symbol(&python->image, "PyModule_Create2TraceRefs")) /* so Py_TRACE_REFS calls PyModule_Create2 */
        snprintf(reason, size, "CPython was built with Py_TRACE_REFS");
    else if (!exports_enough)
        snprintf(reason, size, "CPython does not export what the frame walk needs");
    else if (!layout_matches_debug_offsets(layout, runtime, &field))
        snprintf(reason, size, "this CPython %.*s has another layout than is known (%s)", number, python->version, field);
    if (*reason)
        return;
    python->layout = layout;
    python->state = (uintptr_t)runtime;
    python->finalizing = (const uintptr_t *)((uintptr_t)runtime + layout->runtime_finalizing);
}

bool python_runtime_find(struct python_runtime *python, const struct image *image)
{
    *python = (struct python_runtime){.image = *image, .finalizing = &never_finalizing};
    python->get_allocator = (void (*)(int, struct python_allocator *))image_symbol(image, "PyMem_GetAllocator");
    python->set_allocator = (void (*)(int, struct python_allocator *))image_symbol(image, "PyMem_SetAllocator");
    python->get_arena_allocator = (void (*)(struct python_arena_allocator *))image_symbol(image, "PyObject_GetArenaAllocator");
    python->set_arena_allocator = (void (*)(struct python_arena_allocator *))image_symbol(image, "PyObject_SetArenaAllocator");
    if (!python->get_allocator || !python->set_allocator)
        return false;

    void *attached = image_symbol(image, "PyThreadState_GetUnchecked"); /* 3.13 and later; the same function under its old name before */
    if (!attached)
        attached = image_symbol(image, "_PyThreadState_UncheckedGet");
    python->attached_thread_state = (uintptr_t(*)(void))attached;
    python->own_thread_state = (uintptr_t(*)(void))image_symbol(image, "PyGILState_GetThisThreadState");
    python->interpreter_id = (int64_t(*)(uintptr_t))image_symbol(image, "PyInterpreterState_GetID");
    python->is_initialized = (int (*)(void))image_symbol(image, "Py_IsInitialized");
    python->unicode_type = (uintptr_t)image_data(image, "PyUnicode_Type");
    python->code_type = (uintptr_t)image_data(image, "PyCode_Type");
    python->eval_get_globals = (uintptr_t(*)(void))image_symbol(image, "PyEval_GetGlobals");
    python->code_address_to_line = (int (*)(uintptr_t, int))image_symbol(image, "PyCode_Addr2Line");
    python->track = (int (*)(unsigned, uintptr_t, size_t))image_symbol(image, "PyTraceMalloc_Track");
    python->untrack = (int (*)(unsigned, uintptr_t))image_symbol(image, "PyTraceMalloc_Untrack");

    unsigned minor;
    bool free_threaded;
    parse_version(python, &minor, &free_threaded);
    choose_layout(python, minor, free_threaded);
    return true;
}

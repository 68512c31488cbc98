#define _GNU_SOURCE
#include "inject/native_calls.h"

#include <string.h>

#include "capture/native/calls.h"
#include "capture/native/native.h"
#include "capture/native/real.h"
#include "capture/recording.h"
#include "inject/runtimes.h"
#include "platform/image.h"
#include "platform/loader.h"
#include "unwind/rule.h"

struct call {
    const char *name;
    void *ours;
    uintptr_t real; /* 0: nobody defines it */
};

static struct call calls[] = {
    {"malloc", alloctrace_native_malloc, 0},
    {"calloc", alloctrace_native_calloc, 0},
    {"realloc", alloctrace_native_realloc, 0},
    {"reallocarray", alloctrace_native_reallocarray, 0},
    {"free", alloctrace_native_free, 0},
    {"posix_memalign", alloctrace_native_posix_memalign, 0},
    {"aligned_alloc", alloctrace_native_aligned_alloc, 0},
    {"memalign", alloctrace_native_memalign, 0},
    {"valloc", alloctrace_native_valloc, 0},
    {"pvalloc", alloctrace_native_pvalloc, 0},
    {"mmap", alloctrace_native_mmap, 0},
    {"mmap64", alloctrace_native_mmap, 0},
    {"munmap", alloctrace_native_munmap, 0},
    {"mremap", alloctrace_native_mremap, 0},
    {"dlclose", alloctrace_native_dlclose, 0},
};

enum { CALLS = sizeof calls / sizeof *calls };

/* Nearly every name is refused by its first letter. */
static struct call *find_call(const char *name)
{
    if (!strchr("mcrfpavd", *name))
        return NULL;
    for (unsigned i = 0; i < CALLS; i++)
        if (strcmp(calls[i].name, name) == 0)
            return &calls[i];
    return NULL;
}

static bool is_exporter(const struct image *image)
{
    return image->own_name && strcmp(image->own_name, NATIVE_EXPORTER) == 0;
}

static bool is_this_library(const struct image *image)
{
    return (uintptr_t)find_call >= image->begin && (uintptr_t)find_call < image->end;
}

/* ---- the definitions ---- */

/* The definitions of malloc in the images. */
struct definitions {
    bool any, exporter_is_first;
    unsigned allocators; /* the number of images that have one, but for the exporter */
    uintptr_t others[8]; /* those of them that are not the first */
};

static bool note_definitions(const struct image *image, void *context)
{
    struct definitions *found = context;
    bool is_ours = is_exporter(image);
    uintptr_t defined = (uintptr_t)image_symbol(image, "malloc");
    if (defined && !found->any)
        found->exporter_is_first = is_ours;
    found->any |= defined != 0;
    if (defined && !is_ours && found->allocators++ > 0 && found->allocators - 2 < sizeof found->others / sizeof *found->others)
        found->others[found->allocators - 2] = defined;
    for (unsigned i = 0; i < CALLS && !is_ours; i++)
        if (!calls[i].real)
            calls[i].real = (uintptr_t)image_symbol(image, calls[i].name);
    return false;
}

/* ---- the imports ---- */

struct visit {
    const struct definitions *definitions;
    unsigned position, known; /* of the image, in the loader's order; those before `known` were looked at */
    bool goes_past;           /* the image has calls of malloc that lead elsewhere */
};

/* Most that leads neither to us nor to the real one is a stub of the executable, which imports the function in its turn. */
static bool leads_to_another(const struct definitions *definitions, uintptr_t target)
{
    for (unsigned i = 0; i < sizeof definitions->others / sizeof *definitions->others; i++)
        if (target && definitions->others[i] == target)
            return true;
    return false;
}

static void redirect(const struct image *image, const struct import *import, void *context)
{
    struct visit *visit = context;
    const struct call *call = find_call(import->name);
    if (!call || !call->real)
        return;
    uintptr_t target = *import->slot;
    /* An import that is not bound yet can only be bound to the real one, if there is one. */
    bool is_unbound = !import->is_data && target >= image->begin && target < image->end && visit->definitions->allocators == 1;
    if (target == call->real || (is_unbound && native.reach != ALLOCTRACE_REACH_BY_NAME))
        image_set_import(image, import, call->ours);
    else
        visit->goes_past |= leads_to_another(visit->definitions, target);
}

/* Returns true if an allocator was linked into the image, and no other image calls it. */
static bool has_allocator_of_its_own(const struct image *image)
{
    static const char *const names[] = {"mi_malloc", "je_malloc", "jemalloc", "mallocx", "_rjem_malloc", "tc_malloc"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (image_symbol(image, names[i]))
            return true;
    return false;
}

static bool visit_image(const struct image *image, void *context)
{
    struct visit *visit = context;
    if (visit->position++ < visit->known || is_this_library(image) || is_exporter(image))
        return false;
    visit->goes_past = false;
    image_visit_imports(image, redirect, visit);
    bool is_the_real_one = (uintptr_t)native_real.malloc >= image->begin && (uintptr_t)native_real.malloc < image->end;
    if (visit->goes_past || (!is_the_real_one && has_allocator_of_its_own(image)))
        native_note_past(*image->path ? image->path : "the executable");
    return false;
}

void native_calls_redirect(void)
{
    static unsigned visited;
    static unsigned long long removed;
    struct image_changes changes = image_changes();
    if (!native.is_on || recording.runtime_count == 0)
        return;
    struct definitions found = {0};
    image_visit(note_definitions, &found);
    native.reach = found.exporter_is_first ? ALLOCTRACE_REACH_BY_NAME : ALLOCTRACE_REACH_REDIRECTED;
    struct visit visit = {.definitions = &found, .known = changes.removed == removed ? visited : 0};
    image_visit(visit_image, &visit);
    visited = visit.position;
    removed = changes.removed;
    recording_lock();
    native_tell_session();
    recording_unlock();
}

void *native_calls_look_up(void *handle, const char *name)
{
    const struct call *call = native.is_on ? find_call(name) : NULL;
    if (!call || !call->real)
        return NULL;
    return (uintptr_t)alloctrace_real_dlsym(handle, name) == call->real ? call->ours : NULL;
}

/* ---- dlclose ---- */

/* A CPython may be unloaded here, and is not called until that is known. Other code may then be at its addresses, so cached data of return
 * addresses must not outlive it. */
__attribute__((visibility("default"))) int alloctrace_native_dlclose(void *handle)
{
    __atomic_add_fetch(&native.unloading, 1, __ATOMIC_SEQ_CST);
    int result = native_real.dlclose(handle);
    unwind_forget_code();
    if (runtimes_are_watched())
        runtimes_look(ALLOCTRACE_FOUND_DLSYM);
    __atomic_sub_fetch(&native.unloading, 1, __ATOMIC_SEQ_CST);
    return result;
}

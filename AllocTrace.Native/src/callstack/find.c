/* The CPythons of this process, for callers of the public functions. Those that are recorded have their own in capture/recording.h. */
#include "callstack/callstack.h"

#include "platform/loader.h"
#include "platform/lock.h"
#include "python/self_check.h"

enum { PYTHONS = 8 };

static struct alloctrace_python pythons[PYTHONS], careful_pythons[PYTHONS];
static unsigned python_count; /* entries are never changed once they count */
static struct lock find_lock;

void callstack_describe(struct alloctrace_python *python, struct alloctrace_python *careful, const struct python_runtime *runtime)
{
    const char *field;
    bool allowed;
    python->runtime = *runtime;
    python->proposal = python_find_proposal(&runtime->image);
    python->threads_are_known =
        runtime->layout && layout_of_threads_matches_debug_offsets(runtime->layout, (const void *)runtime->state, &field);
    os_can_read((uintptr_t)&allowed, 1, &allowed);
    python->careful = python;
    if (allowed) {
        *careful = *python;
        careful->is_careful = true;
        careful->careful = python->careful = careful;
    }
}

const struct alloctrace_python *alloctrace_python_careful(const struct alloctrace_python *python)
{
    return python->careful;
}

struct wanted {
    unsigned index;
    bool found;
    struct image image;
};

static bool count_python(const struct image *image, void *context)
{
    struct wanted *wanted = context;
    if (!image_symbol(image, "PyMem_SetAllocator") || !image_symbol(image, "PyMem_GetAllocator") || wanted->index-- > 0)
        return false;
    wanted->image = *image;
    return wanted->found = true;
}

static struct alloctrace_python *known(const struct image *image)
{
    for (unsigned i = 0; i < python_count; i++)
        if (pythons[i].runtime.image.dynamic == image->dynamic)
            return &pythons[i];
    return NULL;
}

static const struct alloctrace_python *look(const struct image *image, const char **reason)
{
    struct alloctrace_python *python = known(image);
    if (!python) {
        static struct python_runtime runtime; /* large; under the lock */
        if (python_count == PYTHONS) {
            *reason = "there are more CPythons in this process than can be walked";
            return NULL;
        }
        if (!python_runtime_find(&runtime, image))
            return NULL;
        python = &pythons[python_count];
        callstack_describe(python, &careful_pythons[python_count], &runtime);
        python_count++;
    }
    if (!python->runtime.layout) {
        *reason = python->runtime.no_stacks_reason;
        return NULL;
    }
    return self_check(&python->runtime, false, reason) == SELF_CHECK_FAILED ? NULL : python;
}

struct find {
    unsigned index;
    const struct alloctrace_python *found;
    const char *reason;
};

/* Under the loader's lock: a library that another thread is loading is not called before it is relocated. */
static void find(void *argument)
{
    struct find *find = argument;
    struct wanted wanted = {.index = find->index};
    image_visit(count_python, &wanted);
    if (!wanted.found)
        return;
    lock_acquire(&find_lock);
    find->found = look(&wanted.image, &find->reason);
    lock_release(&find_lock);
}

const struct alloctrace_python *alloctrace_python_find(unsigned index, const char **reason)
{
    struct find wanted = {.index = index};
    loader_call_locked(find, &wanted);
    if (reason)
        *reason = wanted.reason;
    return wanted.found;
}

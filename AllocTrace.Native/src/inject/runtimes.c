#include "inject/runtimes.h"

#include <string.h>

#include "capture/code_cache.h"
#include "capture/hook.h"
#include "capture/thread.h"
#include "capture/trace_context.h"
#include "inject/native_calls.h"
#include "inject/tracked_domains.h"
#include "platform/loader.h"

static const struct runtimes_listener *listener;

void runtimes_listen(const struct runtimes_listener *to)
{
    listener = to;
}

/* The findings of one look. Hooks are installed after the walk, because the walk holds the lock of the loader's list. */
struct findings {
    struct image image[RUNTIMES];
    unsigned count;
    void *getenv; /* the first that is defined */
};

static bool note_python(const struct image *image, void *context)
{
    struct findings *findings = context;
    if (findings->count < RUNTIMES && image_symbol(image, "PyMem_SetAllocator") && image_symbol(image, "PyMem_GetAllocator"))
        findings->image[findings->count++] = *image;
    if (!findings->getenv)
        findings->getenv = image_symbol(image, "getenv");
    return false;
}

static bool is_known(const struct image *image)
{
    for (uint32_t i = 0; i < recording.runtime_count; i++)
        if (recording.runtimes[i].used && recording.runtimes[i].python.image.dynamic == image->dynamic)
            return true;
    return false;
}

static bool is_among(const struct findings *findings, const struct image *image)
{
    for (unsigned i = 0; i < findings->count; i++)
        if (findings->image[i].dynamic == image->dynamic)
            return true;
    return false;
}

static void forget_unloaded(const struct findings *findings)
{
    for (uint32_t i = 0; i < recording.runtime_count; i++) {
        struct traced_runtime *runtime = &recording.runtimes[i];
        bool can_tell = runtime->python.image.begin; /* images of other namespaces are not seen */
        if (!runtime->used || !can_tell || is_among(findings, &runtime->python.image))
            continue;
        hook_forget(runtime);
        code_cache_drop_all();
        runtime->used = false;
    }
}

static void add(const struct image *image, void *getenv_there, uint32_t found)
{
    struct python_runtime python;
    if (is_known(image) || !python_runtime_find(&python, image))
        return;
    struct traced_runtime *runtime = recording_add_runtime(&python, found);
    if (!runtime || !hook_install(runtime)) {
        os_message("too many CPythons in one process: %s is not recorded", image->path);
        return;
    }
    recording_tell_runtime(runtime);
    if (listener)
        listener->found(image, getenv_there);
}

static struct image_changes seen;
static bool has_looked;

/* Set while the functions here run, which may themselves look up symbols or ask for a variable. */
static _Thread_local bool is_here __attribute__((tls_model("initial-exec")));

static bool may_begin(void)
{
    if (!recording.fork_local || is_here || thread_is_inside())
        return false;
    return is_here = true;
}

static bool is_new(struct image_changes changes)
{
    return !has_looked || changes.added != seen.added || changes.removed != seen.removed;
}

/* The loader may call the host's malloc while it relocates, and such a function may call dlsym: then this thread, which holds the loader's
 * lock, sees images that are not relocated. Some images stay writable for good, where another tool changed their protection. */
static bool is_within_relocation(uint32_t found)
{
    enum { LONGEST_NS = 1000000000 };
    static unsigned usually;
    static uint64_t since;
    unsigned unsealed = image_count_unsealed();
    if (found != ALLOCTRACE_FOUND_DLSYM || unsealed <= usually) {
        usually = unsealed;
        since = 0;
        return false;
    }
    uint64_t now = os_monotonic_ns();
    since = since ? since : now;
    if (now - since < LONGEST_NS)
        return true;
    usually = unsealed;
    return false;
}

/* Under the loader's lock, which is taken before the other. */
static void look(void *argument)
{
    uint32_t found = *(const uint32_t *)argument;
    lock_acquire(&recording.fork_local->look_lock);
    struct image_changes changes = image_changes();
    if (is_new(changes) && !is_within_relocation(found)) {
        struct findings findings = {.count = 0};
        image_visit(note_python, &findings);
        if (listener)
            listener->look();
        tracked_domains_redirect();
        trace_context_look();
        forget_unloaded(&findings);
        for (unsigned i = 0; i < findings.count; i++)
            add(&findings.image[i], NULL, found);
        native_calls_redirect();
        seen = changes;
        has_looked = true;
    }
    lock_release(&recording.fork_local->look_lock);
}

void runtimes_look(uint32_t found)
{
    if (!may_begin())
        return;
    if (is_new(image_changes()))
        loader_call_locked(look, &found);
    is_here = false;
}

struct look_at_caller {
    struct findings all;
    const void *address;
    struct image caller; /* base and dynamic NULL: no CPython */
};

static bool note_caller(const struct image *image, void *context)
{
    struct look_at_caller *look = context;
    unsigned before = look->all.count;
    note_python(image, &look->all);
    if (look->all.count > before && (uintptr_t)look->address >= image->begin && (uintptr_t)look->address < image->end)
        look->caller = *image;
    return false;
}

void runtimes_look_at_caller(const void *address)
{
    if (!may_begin())
        return;
    lock_acquire(&recording.fork_local->look_lock);
    if (is_new(image_changes())) {
        struct look_at_caller look = {.address = address};
        image_visit(note_caller, &look);
        forget_unloaded(&look.all);
        if (look.caller.dynamic)
            add(&look.caller, NULL, ALLOCTRACE_FOUND_GETENV);
    }
    lock_release(&recording.fork_local->look_lock);
    is_here = false;
}

static void look_in_namespace(void *handle)
{
    struct findings findings = {.count = 0};
    image_visit_namespace_of(handle, note_python, &findings);
    lock_acquire(&recording.fork_local->look_lock);
    for (unsigned i = 0; i < findings.count; i++)
        add(&findings.image[i], findings.getenv, ALLOCTRACE_FOUND_DLSYM);
    lock_release(&recording.fork_local->look_lock);
}

void runtimes_look_in_namespace(void *handle)
{
    if (!may_begin())
        return;
    loader_call_locked(look_in_namespace, handle);
    is_here = false;
}

/* Returns the same as PyGILState_Check, because debug allocators end the program if that returns false. */
static bool may_allocate(const struct python_runtime *python)
{
    uintptr_t state = python->attached_thread_state ? python->attached_thread_state() : 0;
    return state && python->own_thread_state && python->own_thread_state() == state;
}

static void restore(struct traced_runtime *runtime)
{
    bool attached = may_allocate(&runtime->python);
    if (attached || !runtime->python.is_initialized || !runtime->python.is_initialized())
        hook_restore(runtime, attached);
}

void runtimes_restore(void)
{
    if (!may_begin())
        return;
    for (uint32_t i = 0; i < recording.runtime_count; i++)
        if (recording.runtimes[i].used && recording.runtimes[i].python.image.begin)
            restore(&recording.runtimes[i]);
    is_here = false;
}

void runtimes_restore_in_namespace(void)
{
    if (!may_begin())
        return;
    struct traced_runtime *only = NULL;
    unsigned count = 0;
    for (uint32_t i = 0; i < recording.runtime_count; i++)
        if (recording.runtimes[i].used && !recording.runtimes[i].python.image.begin) {
            only = &recording.runtimes[i];
            count++;
        }
    if (count == 1)
        restore(only);
    is_here = false;
}

void runtimes_unhook(void)
{
    struct findings findings = {.count = 0};
    lock_acquire(&recording.fork_local->look_lock);
    image_visit(note_python, &findings);
    forget_unloaded(&findings);
    for (uint32_t i = 0; i < recording.runtime_count; i++) {
        if (recording.runtimes[i].used)
            hook_remove(&recording.runtimes[i]);
        recording.runtimes[i].used = false;
    }
    has_looked = false;
    lock_release(&recording.fork_local->look_lock);
}

struct traced_runtime *runtimes_current(void)
{
    if (!recording.fork_local)
        return NULL;
    if (thread_of_this && thread_of_this->runtime)
        return thread_of_this->runtime;
    for (uint32_t i = 0; i < recording.runtime_count; i++)
        if (recording.runtimes[i].used)
            return &recording.runtimes[i];
    return NULL;
}

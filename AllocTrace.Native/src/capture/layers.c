/* Puts hooks in front of the allocators of a CPython, puts them back where something replaced them, and takes them out. */
#include "capture/layers.h"

#include <string.h>

#include "capture/arenas.h"
#include "capture/hook.h"
#include "capture/records.h"
#include "capture/walk/walk.h"
#include "platform/os.h"

struct layer layers[LAYERS];

static bool same(const struct python_allocator *one, const struct python_allocator *other)
{
    return one->context == other->context && one->malloc == other->malloc && one->calloc == other->calloc && one->realloc == other->realloc
           && one->free == other->free;
}

static uintptr_t no_thread_state(void)
{
    return 0;
}

void layers_follow_finalization(const struct traced_runtime *runtime)
{
    static const uintptr_t always = 1; /* while it finalizes, each call asks whether it still does */
    bool was_seen = __atomic_load_n(&runtime->seen_finalizing, __ATOMIC_ACQUIRE);
    for (unsigned layer = 0; layer < LAYERS; layer++)
        if (layers[layer].runtime == runtime)
            __atomic_store_n(&layers[layer].finalizing, was_seen ? &always : runtime->python.finalizing, __ATOMIC_RELEASE);
}

/* Returns true if a domain gets hooks: it is recorded, or code objects die in it. */
static bool is_hooked(const struct traced_runtime *runtime, int domain)
{
    return recording.options.domains[domain] || (domain == OBJ && runtime->python.layout);
}

/* The layer for hooks in front of the present allocators: one that had the very same behind it before (CPython sets the same ones at each
 * initialization), or else an unused one. LAYERS: there is none left. */
static unsigned choose_layer(const struct traced_runtime *runtime, const bool domains[DOMAINS],
                             const struct python_allocator present[DOMAINS])
{
    unsigned unused = LAYERS;
    for (unsigned layer = LAYERS; layer-- > 0;) {
        bool fits = layers[layer].runtime == runtime;
        for (int domain = RAW; fits && domain <= OBJ; domain++)
            fits = !domains[domain] || same(&layers[layer].original[domain], &present[domain]);
        if (fits)
            return layer;
        if (!layers[layer].runtime)
            unused = layer;
    }
    return unused;
}

static bool install_layer(struct traced_runtime *runtime, const bool domains[DOMAINS])
{
    struct python_allocator present[DOMAINS];
    for (int domain = RAW; domain <= OBJ; domain++)
        runtime->python.get_allocator(domain, &present[domain]);
    unsigned layer = choose_layer(runtime, domains, present);
    if (layer == LAYERS)
        return false;
    if (!layers[layer].runtime) {
        layers[layer].runtime = runtime;
        memcpy(layers[layer].original, present, sizeof present);
    }
    layers[layer].attached_thread_state = runtime->python.layout ? runtime->python.attached_thread_state : no_thread_state;
    layers_follow_finalization(runtime);
    for (int domain = RAW; domain <= OBJ; domain++) {
        struct python_allocator hook = layers[layer].original[domain];
        if (recording.options.domains[domain])
            hook = layer_hooks[layer][domain];
        else
            hook.free = layer_watches[layer];
        hook.context = layers[layer].original[domain].context;
        if (domains[domain])
            runtime->python.set_allocator(domain, &hook);
    }
    return true;
}

bool hook_install(struct traced_runtime *runtime)
{
    walk_choose(runtime);
    bool domains[DOMAINS];
    for (int domain = RAW; domain <= OBJ; domain++)
        domains[domain] = is_hooked(runtime, domain);
    if (!install_layer(runtime, domains))
        return false;
    arenas_watch(runtime);
    return true;
}

/* LAYERS: it is none of ours. */
static unsigned layer_of(int domain, const struct python_allocator *present)
{
    unsigned layer = 0;
    while (layer < LAYERS
           && !(layers[layer].runtime
                && (present->free == layer_hooks[layer][domain].free || (domain == OBJ && present->free == layer_watches[layer]))))
        layer++;
    return layer;
}

void hook_remove(struct traced_runtime *runtime)
{
    arenas_unwatch(runtime);
    for (int domain = RAW; domain <= OBJ; domain++) {
        struct python_allocator present;
        runtime->python.get_allocator(domain, &present);
        unsigned layer = layer_of(domain, &present);
        if (layer == LAYERS)
            continue; /* somebody else's leads to ours, perhaps; ours passes the calls on */
        do {
            present = layers[layer].original[domain];
            layer = layer_of(domain, &present);
        } while (layer < LAYERS);
        runtime->python.set_allocator(domain, &present);
    }
}

void hook_forget(const struct traced_runtime *runtime)
{
    for (unsigned layer = 0; layer < LAYERS; layer++)
        if (layers[layer].runtime == runtime)
            layers[layer].runtime = NULL;
}

/* ---- put back ---- */

/* Returns true if a hook above ours leads to it. Most hooks store the allocator that they replaced at their context: tracemalloc at its
 * beginning, the debug hooks after one word. There may be several hooks above. */
static bool context_leads_to_ours(int domain, const struct python_allocator *present)
{
    enum { MOST_HOOKS = 8 };
    uintptr_t context = (uintptr_t)present->context;
    for (int hops = 0; hops < MOST_HOOKS; hops++) {
        struct python_allocator first, second;
        if (!os_read_memory(context, &first, sizeof first) || !os_read_memory(context + sizeof(uintptr_t), &second, sizeof second))
            return false;
        if (layer_of(domain, &first) != LAYERS || layer_of(domain, &second) != LAYERS)
            return true;
        context = (uintptr_t)first.context;
    }
    return false;
}

/* Allocates a byte through the present allocator of CPython, and returns true if the call reached this library, because another hook leads
 * to ours. */
static bool probe(const struct python_allocator *present)
{
    thread_begin_probe();
    void *block = present->malloc(present->context, 1);
    bool reached = thread_end_probe();
    if (!block)
        return true; /* out of memory: nothing was learnt */
    thread_begin_probe();
    present->free(present->context, block);
    return thread_end_probe() || reached;
}

static bool is_reached(const struct traced_runtime *runtime, int domain, bool may_allocate)
{
    struct python_allocator present;
    runtime->python.get_allocator(domain, &present);
    return layer_of(domain, &present) != LAYERS || context_leads_to_ours(domain, &present) || (may_allocate && probe(&present));
}

/* mem and obj decide: raw is replaced for moments by CPython itself. */
void hook_restore(struct traced_runtime *runtime, bool may_allocate)
{
    if (recording.off)
        return;
    arenas_watch(runtime);
    bool wanted[DOMAINS];
    for (int domain = RAW; domain <= OBJ; domain++)
        wanted[domain] = is_hooked(runtime, domain);
    bool lost[DOMAINS] = {false};
    for (int domain = MEM; domain <= OBJ; domain++)
        lost[domain] = wanted[domain] && !is_reached(runtime, domain, may_allocate);
    bool only_raw = !wanted[MEM] && !wanted[OBJ];
    if (!lost[MEM] && !lost[OBJ] && !only_raw)
        return;
    lost[RAW] = wanted[RAW] && !is_reached(runtime, RAW, may_allocate);
    if ((!lost[RAW] && only_raw) || !install_layer(runtime, lost))
        return;
    struct thread_capture *thread = thread_enter();
    if (thread) {
        record_mark(thread, ALLOCTRACE_MARK_HOOKED, may_allocate);
        thread_leave(thread);
    }
}

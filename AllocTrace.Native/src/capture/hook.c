/* What happens to every call of PyMem_*.
 *
 * A free is recorded before the real free and an allocation after the real one: between two threads the address then changes hands in the
 * records as it did in memory. A realloc is both, with the block out of the ledger while the real one runs. A failed allocation is no
 * block.
 *
 * The context given to each hook is the original's own, and the hooks use the originals kept here instead: CPython's callers read function
 * and context without a lock, so any mix of old and new must work (docs/frame-walk.md, "torn pairs").
 */
#include "capture/hook.h"

#include <string.h>

#include "capture/code_cache.h"
#include "capture/walk/data_stack.h"
#include "capture/recording.h"
#include "capture/records.h"
#include "capture/sampling.h"
#include "capture/walk/walk.h"
#include "python/frame.h"

enum {
    RAW = ALLOCTRACE_DOMAIN_RAW,
    MEM = ALLOCTRACE_DOMAIN_MEM,
    OBJ = ALLOCTRACE_DOMAIN_OBJ,
    DOMAINS = ALLOCTRACE_DOMAIN_TRACKED,
    LAYERS = 12,
};

/* One set of hooks in one runtime, with the allocators that were there before. Hooks that were replaced and had to be put in again are a
 * layer of their own: with one set of originals for all, a hook that somebody kept (tracemalloc does) would lead back to itself. Of several
 * layers in one call only the outermost records. */
static struct layer {
    struct traced_runtime *runtime; /* NULL: not in use */
    struct python_allocator original[DOMAINS];
} layers[LAYERS];

/* "live" is judged when finalization begins: hosts that finalize free nearly everything afterwards. Some initialize again. */
static __attribute__((noinline, cold)) void finalization_changed(struct thread_capture *thread, struct traced_runtime *runtime,
                                                                 uintptr_t finalizing)
{
    if (__atomic_exchange_n(&runtime->seen_finalizing, finalizing, __ATOMIC_ACQ_REL) == finalizing)
        return;
    record_mark(thread, finalizing ? ALLOCTRACE_MARK_FINALIZING : ALLOCTRACE_MARK_INITIALIZED, 0);
    SHARED_STORE(session.header->phase, (uint32_t)(finalizing ? ALLOCTRACE_PHASE_FINALIZING : ALLOCTRACE_PHASE_RECORDING));
}

static inline void watch_finalization(struct thread_capture *thread, struct traced_runtime *runtime)
{
    uintptr_t finalizing = *(const volatile uintptr_t *)runtime->python.finalizing;
    if (__builtin_expect(finalizing != runtime->seen_finalizing, 0))
        finalization_changed(thread, runtime, finalizing);
}

/* After the real call. */
ALWAYS_INLINE void *allocated(struct thread_capture *thread, struct traced_runtime *runtime, unsigned kind, unsigned domain, void *block,
                              size_t size)
{
    thread_call_real(thread, false);
    if (block) {
        watch_finalization(thread, runtime);
        if (!sampling_is_on(thread) || (!sampling_skips(thread, size) && sampling_take(thread, sampling_key(domain, block)))) {
            uint32_t stack = walk(thread, runtime, domain == MEM || domain == OBJ);
            if (__builtin_expect(stack == ALLOCTRACE_NODE_DROPPED, 0))
                SHARED_ADD(session.header->lost_stacks, 1);
            record_block(thread, kind, domain, block, size, stack);
        } else if (kind == ALLOCTRACE_RECORD_REALLOC) {
            record_block(thread, kind, domain, NULL, 0, ALLOCTRACE_NODE_NONE);
        }
    }
    thread_leave(thread);
    return block;
}

ALWAYS_INLINE void *hook_malloc(unsigned layer, unsigned domain, size_t size)
{
    struct thread_capture *thread = thread_enter();
    if (thread)
        thread_call_real(thread, true);
    void *block = layers[layer].original[domain].malloc(layers[layer].original[domain].context, size);
    return thread ? allocated(thread, layers[layer].runtime, ALLOCTRACE_RECORD_MALLOC, domain, block, size) : block;
}

ALWAYS_INLINE void *hook_calloc(unsigned layer, unsigned domain, size_t count, size_t size)
{
    struct thread_capture *thread = thread_enter();
    if (thread)
        thread_call_real(thread, true);
    void *block = layers[layer].original[domain].calloc(layers[layer].original[domain].context, count, size);
    return thread ? allocated(thread, layers[layer].runtime, ALLOCTRACE_RECORD_CALLOC, domain, block, count * size) : block;
}

ALWAYS_INLINE void *hook_realloc(unsigned layer, unsigned domain, void *old, size_t size)
{
    struct thread_capture *thread = thread_enter();
    if (!thread)
        return layers[layer].original[domain].realloc(layers[layer].original[domain].context, old, size);
    watch_finalization(thread, layers[layer].runtime);
    bool ends = old && sampling_ends(thread, domain, old);
    if (ends)
        record_address(thread, ALLOCTRACE_RECORD_REALLOC_BEGIN, domain, old);
    thread_call_real(thread, true);
    void *block = layers[layer].original[domain].realloc(layers[layer].original[domain].context, old, size);
    if (!block && ends) {
        sampling_put_back(sampling_key(domain, old));
        record_address(thread, ALLOCTRACE_RECORD_REALLOC_FAILED, domain, old);
    }
    return allocated(thread, layers[layer].runtime, ALLOCTRACE_RECORD_REALLOC, domain, block, size);
}

/* Whoever frees it, and whether or not the call is recorded: what is known of a code object must not outlive it. */
ALWAYS_INLINE void forget_code(const void *block)
{
    if (__builtin_expect(code_may_be_cached(block), 0))
        code_cache_drop(block);
}

ALWAYS_INLINE void hook_free(unsigned layer, unsigned domain, void *block)
{
    if (domain == OBJ)
        forget_code(block);
    struct thread_capture *thread = block ? thread_enter() : NULL;
    if (thread) {
        watch_finalization(thread, layers[layer].runtime);
        if (sampling_ends(thread, domain, block))
            record_address(thread, ALLOCTRACE_RECORD_FREE, domain, block);
        thread_call_real(thread, true);
    }
    layers[layer].original[domain].free(layers[layer].original[domain].context, block);
    if (thread) {
        thread_call_real(thread, false);
        thread_leave(thread);
    }
}

/* Domain obj, when it is not recorded but stacks are: code objects die there. */
ALWAYS_INLINE void watch_free(unsigned layer, void *block)
{
    thread_note_probe();
    forget_code(block);
    layers[layer].original[OBJ].free(layers[layer].original[OBJ].context, block);
}

/* The functions that CPython gets: one set for each layer and domain, so that both are known without the context. */
#define DEFINE_HOOKS(layer, domain)                                                                                                        \
    static void *malloc_##layer##_##domain(void *context, size_t size)                                                                     \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        return hook_malloc(layer, domain, size);                                                                                           \
    }                                                                                                                                      \
    static void *calloc_##layer##_##domain(void *context, size_t count, size_t size)                                                       \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        return hook_calloc(layer, domain, count, size);                                                                                    \
    }                                                                                                                                      \
    static void *realloc_##layer##_##domain(void *context, void *block, size_t size)                                                       \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        return hook_realloc(layer, domain, block, size);                                                                                   \
    }                                                                                                                                      \
    static void free_##layer##_##domain(void *context, void *block)                                                                        \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        hook_free(layer, domain, block);                                                                                                   \
    }
#define ALLOCATOR(layer, domain)                                                                                                           \
    {                                                                                                                                      \
        .malloc = malloc_##layer##_##domain, .calloc = calloc_##layer##_##domain, .realloc = realloc_##layer##_##domain,                   \
        .free = free_##layer##_##domain                                                                                                    \
    }
#define DEFINE_WATCH(layer)                                                                                                                \
    static void watch_##layer(void *context, void *block)                                                                                  \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        watch_free(layer, block);                                                                                                          \
    }
#define DEFINE_LAYER(layer) DEFINE_HOOKS(layer, RAW) DEFINE_HOOKS(layer, MEM) DEFINE_HOOKS(layer, OBJ) DEFINE_WATCH(layer)
#define LAYER(layer)                                                                                                                       \
    {                                                                                                                                      \
        ALLOCATOR(layer, RAW), ALLOCATOR(layer, MEM), ALLOCATOR(layer, OBJ)                                                                \
    }
#define LAYERS_ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
LAYERS_ALL(DEFINE_LAYER)
#define LISTED(layer) LAYER(layer),
static const struct python_allocator hooks[LAYERS][DOMAINS] = {LAYERS_ALL(LISTED)};
#define WATCH(layer) watch_##layer,
static void (*const watches[LAYERS])(void *context, void *block) = {LAYERS_ALL(WATCH)};

/* ---- in place ---- */

static bool same(const struct python_allocator *one, const struct python_allocator *other)
{
    return one->context == other->context && one->malloc == other->malloc && one->calloc == other->calloc && one->realloc == other->realloc
           && one->free == other->free;
}

/* Whether a domain gets hooks: it is recorded, or code objects die in it. */
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
    for (int domain = RAW; domain <= OBJ; domain++) {
        struct python_allocator hook = layers[layer].original[domain];
        if (recording.options.domains[domain])
            hook = hooks[layer][domain];
        else
            hook.free = watches[layer];
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
    data_stack_watch(runtime);
    return true;
}

/* LAYERS: it is none of ours. */
static unsigned layer_of(int domain, const struct python_allocator *present)
{
    unsigned layer = 0;
    while (
        layer < LAYERS
        && !(layers[layer].runtime && (present->free == hooks[layer][domain].free || (domain == OBJ && present->free == watches[layer]))))
        layer++;
    return layer;
}

void hook_remove(struct traced_runtime *runtime)
{
    data_stack_unwatch(runtime);
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

/* A hook above ours mostly has what it replaced where its context points: tracemalloc's begins with it, the debug hooks' after one word.
 * There may be several hooks above. */
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

/* Asks for a byte through the allocator that CPython has now, and sees whether the call came by here: somebody's hook may lead to ours. */
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
    data_stack_watch(runtime);
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

/* ---- blocks that extensions report ---- */

/* A block that an extension reports, as records name it. */
struct tracked_block {
    unsigned domain;
    const void *block;
};

/* Which of the domains that have no record domain of their own a number is. The last one takes all that are too many. */
static uintptr_t number_among_others(unsigned number)
{
    static uint32_t others[ALLOCTRACE_OTHER_DOMAINS]; /* 0: not in use */
    uintptr_t i = 0;
    for (; i < ALLOCTRACE_OTHER_DOMAINS - 1; i++) {
        uint32_t expected = 0;
        if (__atomic_compare_exchange_n(&others[i], &expected, number, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) || expected == number)
            break;
    }
    return i;
}

/* As in tracemalloc, a block is known by its domain and its address, and domain 0 is Python's own. */
static struct tracked_block tracked_block(unsigned number, const void *block)
{
    if (number == 0)
        return (struct tracked_block){RAW, block};
    uint32_t *known = session.header->tracked_domain;
    for (unsigned domain = ALLOCTRACE_DOMAIN_TRACKED; domain < ALLOCTRACE_DOMAIN_MALLOC; domain++) {
        uint32_t expected = 0;
        if (SHARED_LOAD(known[domain]) == number
            || __atomic_compare_exchange_n(&known[domain], &expected, number, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
            || expected == number)
            return (struct tracked_block){domain, block};
    }
    uintptr_t tagged = ((uintptr_t)block & ALLOCTRACE_OTHER_ADDRESS_MASK) | number_among_others(number) << ALLOCTRACE_OTHER_SHIFT;
    return (struct tracked_block){ALLOCTRACE_DOMAIN_OTHERS, (const void *)tagged};
}

void hook_track(struct traced_runtime *runtime, unsigned domain, const void *block, unsigned long size)
{
    struct thread_capture *thread = thread_enter();
    if (!thread)
        return;
    struct tracked_block tracked = tracked_block(domain, block);
    if (sampling_is_on(thread) && sampling_ends(thread, tracked.domain, tracked.block)) /* tracked again, with another size */
        record_address(thread, ALLOCTRACE_RECORD_FREE, tracked.domain, tracked.block);
    allocated(thread, runtime, ALLOCTRACE_RECORD_MALLOC, tracked.domain, (void *)tracked.block, size);
}

void hook_untrack(unsigned domain, const void *block)
{
    struct thread_capture *thread = thread_enter();
    if (!thread)
        return;
    struct tracked_block tracked = tracked_block(domain, block);
    if (sampling_ends(thread, tracked.domain, tracked.block))
        record_address(thread, ALLOCTRACE_RECORD_FREE, tracked.domain, tracked.block);
    thread_leave(thread);
}

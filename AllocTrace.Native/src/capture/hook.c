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

#include "capture/code_cache.h"
#include "capture/recording.h"
#include "capture/records.h"
#include "capture/walk.h"
#include "python/frame.h"

enum {
    RAW = ALLOCTRACE_DOMAIN_RAW,
    MEM = ALLOCTRACE_DOMAIN_MEM,
    OBJ = ALLOCTRACE_DOMAIN_OBJ,
    LAYERS = 4,
};

/* Hooks that were replaced and had to be put in again are a layer of their own: with one set of originals for all, a hook that somebody
 * kept (tracemalloc does) would lead back to itself. Of several layers in one call only the outermost records. */
static struct python_allocator original[LAYERS][ALLOCTRACE_DOMAIN_TRACKED];
static unsigned layers;

/* "live" is judged here: hosts that finalize free nearly everything afterwards. */
static __attribute__((noinline, cold)) void mark_finalization(struct thread_capture *thread)
{
    if (__atomic_exchange_n(&recording.finalization_marked, true, __ATOMIC_ACQ_REL))
        return;
    record_mark(thread, ALLOCTRACE_MARK_FINALIZING, 0);
    SHARED_STORE(session.header->phase, (uint32_t)ALLOCTRACE_PHASE_FINALIZING);
}

static inline void watch_finalization(struct thread_capture *thread)
{
    if (__builtin_expect(*(const volatile uintptr_t *)recording.python.finalizing != 0, 0))
        mark_finalization(thread);
}

ALWAYS_INLINE void *allocated(struct thread_capture *thread, unsigned kind, unsigned domain, void *block, size_t size)
{
    thread_call_real(thread, false);
    if (block) {
        watch_finalization(thread);
        uint32_t stack = walk(thread, domain == MEM || domain == OBJ);
        if (__builtin_expect(stack == ALLOCTRACE_NODE_DROPPED, 0))
            SHARED_ADD(session.header->lost_stacks, 1);
        record_block(thread, kind, domain, block, size, stack);
    }
    thread_leave(thread);
    return block;
}

ALWAYS_INLINE void *hook_malloc(unsigned layer, unsigned domain, size_t size)
{
    struct thread_capture *thread = thread_enter();
    if (thread)
        thread_call_real(thread, true);
    void *block = original[layer][domain].malloc(original[layer][domain].context, size);
    return thread ? allocated(thread, ALLOCTRACE_RECORD_MALLOC, domain, block, size) : block;
}

ALWAYS_INLINE void *hook_calloc(unsigned layer, unsigned domain, size_t count, size_t size)
{
    struct thread_capture *thread = thread_enter();
    if (thread)
        thread_call_real(thread, true);
    void *block = original[layer][domain].calloc(original[layer][domain].context, count, size);
    return thread ? allocated(thread, ALLOCTRACE_RECORD_CALLOC, domain, block, count * size) : block;
}

ALWAYS_INLINE void *hook_realloc(unsigned layer, unsigned domain, void *old, size_t size)
{
    struct thread_capture *thread = thread_enter();
    if (!thread)
        return original[layer][domain].realloc(original[layer][domain].context, old, size);
    watch_finalization(thread);
    if (old)
        record_address(thread, ALLOCTRACE_RECORD_REALLOC_BEGIN, domain, old);
    thread_call_real(thread, true);
    void *block = original[layer][domain].realloc(original[layer][domain].context, old, size);
    thread_call_real(thread, false);
    if (!block && old)
        record_address(thread, ALLOCTRACE_RECORD_REALLOC_FAILED, domain, old);
    return allocated(thread, ALLOCTRACE_RECORD_REALLOC, domain, block, size);
}

ALWAYS_INLINE void hook_free(unsigned layer, unsigned domain, void *block)
{
    struct thread_capture *thread = block ? thread_enter() : NULL;
    if (thread) {
        watch_finalization(thread);
        if (domain == OBJ && code_may_be_cached(block))
            code_cache_drop(block);
        record_address(thread, ALLOCTRACE_RECORD_FREE, domain, block);
        thread_call_real(thread, true);
    }
    original[layer][domain].free(original[layer][domain].context, block);
    if (thread) {
        thread_call_real(thread, false);
        thread_leave(thread);
    }
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
#define DEFINE_LAYER(layer) DEFINE_HOOKS(layer, RAW) DEFINE_HOOKS(layer, MEM) DEFINE_HOOKS(layer, OBJ)
#define LAYER(layer)                                                                                                                       \
    {                                                                                                                                      \
        ALLOCATOR(layer, RAW), ALLOCATOR(layer, MEM), ALLOCATOR(layer, OBJ)                                                                \
    }
DEFINE_LAYER(0)
DEFINE_LAYER(1)
DEFINE_LAYER(2)
DEFINE_LAYER(3)
static const struct python_allocator hooks[LAYERS][ALLOCTRACE_DOMAIN_TRACKED] = {LAYER(0), LAYER(1), LAYER(2), LAYER(3)};

static void install_layer(const bool domains[ALLOCTRACE_DOMAIN_TRACKED])
{
    unsigned layer = layers++;
    for (int domain = RAW; domain <= OBJ; domain++)
        recording.python.get_allocator(domain, &original[layer][domain]);
    for (int domain = RAW; domain <= OBJ; domain++) {
        struct python_allocator hook = hooks[layer][domain];
        hook.context = original[layer][domain].context;
        if (domains[domain])
            recording.python.set_allocator(domain, &hook);
    }
}

void hook_install(void)
{
    walk_choose();
    install_layer(recording.options.domains);
}

/* ---- put back ---- */

static bool is_ours(int domain, const struct python_allocator *present)
{
    for (unsigned layer = 0; layer < layers; layer++)
        if (present->malloc == hooks[layer][domain].malloc)
            return true;
    return false;
}

/* A hook above ours mostly has what it replaced where its context points: tracemalloc's begins with it, the debug hooks' after one word. */
static bool context_leads_to_ours(int domain, const struct python_allocator *present)
{
    struct python_allocator next[2];
    if (!os_read_memory((uintptr_t)present->context, next, sizeof next))
        return false;
    const struct python_allocator *first = next, *second = (const struct python_allocator *)((const uintptr_t *)next + 1);
    return is_ours(domain, first) || is_ours(domain, second);
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
    thread_end_probe();
    return reached;
}

static bool is_reached(int domain, bool may_allocate)
{
    struct python_allocator present;
    recording.python.get_allocator(domain, &present);
    return is_ours(domain, &present) || context_leads_to_ours(domain, &present) || (may_allocate && probe(&present));
}

/* mem and obj decide: raw is replaced for moments by CPython itself. */
void hook_restore(bool may_allocate)
{
    if (recording.off || layers == 0 || layers == LAYERS)
        return;
    bool lost[ALLOCTRACE_DOMAIN_TRACKED] = {false};
    for (int domain = MEM; domain <= OBJ; domain++)
        lost[domain] = recording.options.domains[domain] && !is_reached(domain, may_allocate);
    bool only_raw = !recording.options.domains[MEM] && !recording.options.domains[OBJ];
    if (!lost[MEM] && !lost[OBJ] && !only_raw)
        return;
    lost[RAW] = recording.options.domains[RAW] && !is_reached(RAW, may_allocate);
    if (!lost[RAW] && only_raw)
        return;
    install_layer(lost);
    struct thread_capture *thread = thread_enter();
    if (thread) {
        record_mark(thread, ALLOCTRACE_MARK_HOOKED, layers);
        thread_leave(thread);
    }
}

/* ---- blocks that extensions report ---- */

/* The record's domain for a number that an extension chose; the last one takes all that are too many. */
static unsigned tracked_domain(unsigned number)
{
    uint32_t *known = session.header->tracked_domain;
    unsigned domain = ALLOCTRACE_DOMAIN_TRACKED;
    for (; domain < ALLOCTRACE_DOMAINS - 1; domain++) {
        uint32_t expected = 0;
        if (SHARED_LOAD(known[domain]) == number
            || __atomic_compare_exchange_n(&known[domain], &expected, number, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
            || expected == number)
            break;
    }
    return domain;
}

void hook_track(unsigned domain, const void *block, unsigned long size)
{
    struct thread_capture *thread = thread_enter();
    if (thread)
        allocated(thread, ALLOCTRACE_RECORD_MALLOC, tracked_domain(domain), (void *)block, size);
}

void hook_untrack(unsigned domain, const void *block)
{
    struct thread_capture *thread = thread_enter();
    if (!thread)
        return;
    record_address(thread, ALLOCTRACE_RECORD_FREE, tracked_domain(domain), block);
    thread_leave(thread);
}

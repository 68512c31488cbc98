/* What happens to every call of PyMem_*.
 *
 * A free is recorded before the real free and an allocation after the real one: between two threads the address then changes hands in the
 * records as it did in memory. A realloc is both, with the block out of the ledger while the real one runs. A failed allocation is no block.
 *
 * The context given to each hook is the original's own, and the hooks use the originals kept here instead: CPython's callers read function
 * and context without a lock, so any mix of old and new must work (docs/frame-walk.md, "torn pairs").
 */
#include "capture/hook.h"

#include "capture/code_cache.h"
#include "capture/recording.h"
#include "capture/records.h"
#include "capture/walk.h"

enum { RAW = ALLOCTRACE_DOMAIN_RAW, MEM = ALLOCTRACE_DOMAIN_MEM, OBJ = ALLOCTRACE_DOMAIN_OBJ };

static struct python_allocator original[ALLOCTRACE_DOMAIN_TRACKED];

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

static inline void *allocated(struct thread_capture *thread, unsigned kind, unsigned domain, void *block, size_t size)
{
    if (block) {
        watch_finalization(thread);
        record_block(thread, kind, domain, block, size, walk(thread));
    }
    thread_leave(thread);
    return block;
}

static inline void *hook_malloc(unsigned domain, size_t size)
{
    struct thread_capture *thread = thread_enter();
    void *block = original[domain].malloc(original[domain].context, size);
    return thread ? allocated(thread, ALLOCTRACE_RECORD_MALLOC, domain, block, size) : block;
}

static inline void *hook_calloc(unsigned domain, size_t count, size_t size)
{
    struct thread_capture *thread = thread_enter();
    void *block = original[domain].calloc(original[domain].context, count, size);
    return thread ? allocated(thread, ALLOCTRACE_RECORD_CALLOC, domain, block, count * size) : block;
}

static inline void *hook_realloc(unsigned domain, void *old, size_t size)
{
    struct thread_capture *thread = thread_enter();
    if (!thread)
        return original[domain].realloc(original[domain].context, old, size);
    watch_finalization(thread);
    if (old)
        record_address(thread, ALLOCTRACE_RECORD_REALLOC_BEGIN, domain, old);
    void *block = original[domain].realloc(original[domain].context, old, size);
    if (!block && old)
        record_address(thread, ALLOCTRACE_RECORD_REALLOC_FAILED, domain, old);
    return allocated(thread, ALLOCTRACE_RECORD_REALLOC, domain, block, size);
}

static inline void hook_free(unsigned domain, void *block)
{
    struct thread_capture *thread = block ? thread_enter() : NULL;
    if (thread) {
        watch_finalization(thread);
        if (domain == OBJ && code_may_be_cached(block))
            code_cache_drop(block);
        record_address(thread, ALLOCTRACE_RECORD_FREE, domain, block);
    }
    original[domain].free(original[domain].context, block);
    if (thread)
        thread_leave(thread);
}

/* The functions that CPython gets: one set a domain, so that the domain is known without the context. */
#define DEFINE_HOOKS(name, domain)                                                                                                         \
    static void *malloc_##name(void *context, size_t size)                                                                                \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        return hook_malloc(domain, size);                                                                                                  \
    }                                                                                                                                      \
    static void *calloc_##name(void *context, size_t count, size_t size)                                                                  \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        return hook_calloc(domain, count, size);                                                                                           \
    }                                                                                                                                      \
    static void *realloc_##name(void *context, void *block, size_t size)                                                                  \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        return hook_realloc(domain, block, size);                                                                                          \
    }                                                                                                                                      \
    static void free_##name(void *context, void *block)                                                                                   \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        hook_free(domain, block);                                                                                                          \
    }
DEFINE_HOOKS(raw, RAW)
DEFINE_HOOKS(mem, MEM)
DEFINE_HOOKS(obj, OBJ)

#define HOOKS(name)                                                                                                                        \
    {                                                                                                                                      \
        .malloc = malloc_##name, .calloc = calloc_##name, .realloc = realloc_##name, .free = free_##name                                   \
    }
static const struct python_allocator hooks[ALLOCTRACE_DOMAIN_TRACKED] = {HOOKS(raw), HOOKS(mem), HOOKS(obj)};

void hook_install(void)
{
    walk_choose();
    for (int domain = RAW; domain <= OBJ; domain++)
        recording.python.get_allocator(domain, &original[domain]);
    for (int domain = RAW; domain <= OBJ; domain++) {
        if (!recording.options.domains[domain])
            continue;
        struct python_allocator hook = hooks[domain];
        hook.context = original[domain].context;
        recording.python.set_allocator(domain, &hook);
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
            || __atomic_compare_exchange_n(&known[domain], &expected, number, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) || expected == number)
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

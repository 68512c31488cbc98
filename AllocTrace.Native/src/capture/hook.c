/* The hooks, which see every call of PyMem_*.
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
#include "capture/heap_copy.h"
#include "capture/layers.h"
#include "capture/native/native.h"
#include "capture/records.h"
#include "capture/resident/resident.h"
#include "capture/sampling.h"
#include "capture/walk/walk.h"
#include "python/frame.h"

/* "live" is judged when finalization begins: hosts that finalize free nearly everything afterwards. Some initialize again. */
static __attribute__((noinline, cold)) void finalization_changed(struct thread_capture *thread, struct traced_runtime *runtime,
                                                                 uintptr_t finalizing)
{
    if (__atomic_exchange_n(&runtime->seen_finalizing, finalizing, __ATOMIC_ACQ_REL) == finalizing)
        return;
    layers_follow_finalization(runtime);
    if (finalizing)
        resident_record(thread, ALLOCTRACE_MEMORY_FINALIZING, 0);
    record_mark(thread, finalizing ? ALLOCTRACE_MARK_FINALIZING : ALLOCTRACE_MARK_INITIALIZED, 0);
    SHARED_STORE(session.header->phase, (uint32_t)(finalizing ? ALLOCTRACE_PHASE_FINALIZING : ALLOCTRACE_PHASE_RECORDING));
    if (finalizing && (recording.options.objects & OPTIONS_OBJECTS_AT_END))
        heap_copy_make_at_end(thread, runtime);
}

static inline void watch_finalization(struct thread_capture *thread, struct traced_runtime *runtime)
{
    uintptr_t finalizing = *(const volatile uintptr_t *)runtime->python.finalizing;
    if (__builtin_expect(finalizing != runtime->seen_finalizing, 0))
        finalization_changed(thread, runtime, finalizing);
}

/* ---- an allocation: at most 110 instructions from CPython 3.13 on, with the stack of the last one, seven frames (InstructionTests) ----
 */

/* After the real call. */
static __attribute__((noinline)) void *allocated(struct thread_capture *thread, struct traced_runtime *runtime, unsigned kind,
                                                 unsigned domain, void *block, size_t size)
{
    watch_finalization(thread, runtime);
    if (!sampling_is_on(thread) || (!sampling_skips(thread, size) && sampling_take(thread, sampling_key(domain, block)))) {
        uint32_t stack = walk(thread, runtime, domain == MEM || domain == OBJ);
        if (__builtin_expect(stack == ALLOCTRACE_NODE_DROPPED, 0))
            SHARED_ADD(session.header->lost_stacks, 1);
        record_block(thread, kind, domain, block, size, stack);
    } else if (kind == ALLOCTRACE_RECORD_REALLOC) {
        record_block(thread, kind, domain, NULL, 0, ALLOCTRACE_NODE_NONE);
    }
    thread_leave(thread);
    return block;
}

/* Records an allocation of a usual size if the stack is known, the slab has room, and no other thread wrote since. Returns false if it did
 * nothing. */
ALWAYS_INLINE bool record_usual(struct thread_capture *thread, unsigned layer, unsigned kind, unsigned domain, const void *block,
                                size_t size)
{
    uintptr_t state = layers[layer].attached_thread_state();
    uint32_t stack = thread->stack.top.walk(thread, state);
    uint64_t *record = record_room_ready(thread);
    if (__builtin_expect(stack <= ALLOCTRACE_NODE_DROPPED, 0) || __builtin_expect(!record, 0))
        return false;
    record_put(record, kind, domain, block);
    ((uint32_t *)record)[2] = (uint32_t)size;
    ((uint32_t *)record)[3] = stack;
    record_advance(thread, 2);
    return true;
}

/* After the real call. */
ALWAYS_INLINE void *finish_allocation(struct thread_capture *thread, unsigned layer, unsigned kind, unsigned domain, void *block,
                                      size_t size)
{
    thread_call_real(thread, false);
    if (__builtin_expect(block != NULL, 1)) {
        bool is_done = false;
        if (__builtin_expect(LOAD_ONCE(*layers[layer].finalizing) == 0, 1)) {
            if (__builtin_expect(size < thread->sampler.usual, 1))
                is_done = record_usual(thread, layer, kind, domain, block, size);
            else
                is_done = sampling_is_on(thread) && kind != ALLOCTRACE_RECORD_REALLOC && sampling_skips(thread, size);
        }
        if (__builtin_expect(!is_done, 0))
            return allocated(thread, layers[layer].runtime, kind, domain, block, size);
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
    return thread ? finish_allocation(thread, layer, ALLOCTRACE_RECORD_MALLOC, domain, block, size) : block;
}

ALWAYS_INLINE void *hook_calloc(unsigned layer, unsigned domain, size_t count, size_t size)
{
    struct thread_capture *thread = thread_enter();
    if (thread)
        thread_call_real(thread, true);
    void *block = layers[layer].original[domain].calloc(layers[layer].original[domain].context, count, size);
    return thread ? finish_allocation(thread, layer, ALLOCTRACE_RECORD_CALLOC, domain, block, count * size) : block;
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
    return finish_allocation(thread, layer, ALLOCTRACE_RECORD_REALLOC, domain, block, size);
}

/* ---- a free: at most 40 instructions ---- */

/* Forgets a code object that is freed, by any thread and whether or not the call is recorded: its data must not outlive it. */
ALWAYS_INLINE void forget_code(const void *block)
{
    if (__builtin_expect(code_may_be_cached(block), 0))
        code_cache_drop(block);
}

static __attribute__((noinline)) void free_inside(struct thread_capture *thread, const struct layer *layer, unsigned domain, void *block)
{
    watch_finalization(thread, layer->runtime);
    if (sampling_ends(thread, domain, block))
        record_address(thread, ALLOCTRACE_RECORD_FREE, domain, block);
    thread_call_real(thread, true);
    layer->original[domain].free(layer->original[domain].context, block);
    thread_call_real(thread, false);
    thread_leave(thread);
}

static __attribute__((noinline)) void free_outside(const struct layer *layer, unsigned domain, void *block)
{
    if (domain == OBJ)
        forget_code(block);
    struct thread_capture *thread = block ? thread_enter() : NULL;
    if (thread)
        free_inside(thread, layer, domain, block);
    else
        layer->original[domain].free(layer->original[domain].context, block);
}

/* Calls that are not as usual are made by the two above: so this one need not keep more than the thread. */
ALWAYS_INLINE void hook_free(unsigned layer, unsigned domain, void *block)
{
    bool needs_look = domain == OBJ ? code_may_be_near(block) : !block;
    struct thread_capture *thread = __builtin_expect(needs_look, 0) ? NULL : thread_enter_ready();
    if (__builtin_expect(!thread, 0)) {
        free_outside(&layers[layer], domain, block);
        return;
    }
    bool is_recorded = !sampling_is_on(thread), is_usual = LOAD_ONCE(*layers[layer].finalizing) == 0;
    uint64_t *record = NULL;
    if (is_recorded)
        is_usual = is_usual && (record = record_room_ready(thread)) != NULL;
    else
        is_usual = is_usual && !sampling_may_have(sampling_key(domain, block));
    if (__builtin_expect(!is_usual, 0)) {
        free_inside(thread, &layers[layer], domain, block);
        return;
    }
    if (is_recorded) {
        record_put(record, ALLOCTRACE_RECORD_FREE, domain, block);
        record_advance(thread, 1);
    }
    thread_call_real(thread, true);
    layers[layer].original[domain].free(layers[layer].original[domain].context, block);
    thread_call_real(thread, false);
    thread_leave(thread);
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
const struct python_allocator layer_hooks[LAYERS][DOMAINS] = {LAYERS_ALL(LISTED)};
#define WATCH(layer) watch_##layer,
void (*const layer_watches[LAYERS])(void *context, void *block) = {LAYERS_ALL(WATCH)};

/* ---- blocks that extensions report ---- */

/* A block that an extension reports, as records name it. */
struct tracked_block {
    unsigned domain;
    const void *block;
};

/* Returns the number of a domain among those without a record domain of their own. All domains beyond the limit share the last number. */
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

/* Identifies a block by its domain and its address, as tracemalloc does. Domain 0 is Python's own. */
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
    if (sampling_is_on(thread) && native.is_on) {
        native_rename_sampled(thread, tracked.domain, tracked.block, block, size);
        thread_leave(thread);
        return;
    }
    if (sampling_is_on(thread) && sampling_ends(thread, tracked.domain, tracked.block)) /* tracked again, with another size */
        record_address(thread, ALLOCTRACE_RECORD_FREE, tracked.domain, tracked.block);
    if (tracked.block)
        allocated(thread, runtime, ALLOCTRACE_RECORD_MALLOC, tracked.domain, (void *)tracked.block, size);
    else
        thread_leave(thread);
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

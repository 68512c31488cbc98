/* A host that sets allocators of its own, above or in place of whatever is there. Loaded with ctypes.PyDLL: the GIL is held. */
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

enum { DOMAINS = 3, LAYERS = 2 };

/* PyMemAllocatorEx. */
struct allocator {
    void *context;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
};

void PyMem_GetAllocator(int domain, struct allocator *allocator);
void PyMem_SetAllocator(int domain, struct allocator *allocator);
void *PyMem_RawMalloc(size_t size);
void *PyMem_RawRealloc(void *block, size_t size);
void PyMem_RawFree(void *block);

void wrap(int layer);
void unwrap(int layer);
unsigned long passed_on(int layer);
int swap_and_mix(int blocks, size_t size);
int swap_while_used(int rounds, size_t size);

/* ---- above: a layer hands every call on ---- */

static unsigned long calls[LAYERS];

/* The context begins with the former allocator, as in tracemalloc. */
static struct place {
    struct allocator next;
    int layer;
} places[LAYERS][DOMAINS];

static struct allocator *next_of(void *context)
{
    struct place *place = context;
    __atomic_add_fetch(&calls[place->layer], 1, __ATOMIC_RELAXED);
    return &place->next;
}

static void *pass_malloc(void *context, size_t size)
{
    struct allocator *next = next_of(context);
    return next->malloc(next->context, size);
}

static void *pass_calloc(void *context, size_t count, size_t size)
{
    struct allocator *next = next_of(context);
    return next->calloc(next->context, count, size);
}

static void *pass_realloc(void *context, void *block, size_t size)
{
    struct allocator *next = next_of(context);
    return next->realloc(next->context, block, size);
}

static void pass_free(void *context, void *block)
{
    struct allocator *next = next_of(context);
    next->free(next->context, block);
}

void wrap(int layer)
{
    for (int domain = 0; domain < DOMAINS; domain++) {
        PyMem_GetAllocator(domain, &places[layer][domain].next);
        places[layer][domain].layer = layer;
        PyMem_SetAllocator(domain, &(struct allocator){&places[layer][domain], pass_malloc, pass_calloc, pass_realloc, pass_free});
    }
}

/* Sets what was there before the layer, whatever is there now. */
void unwrap(int layer)
{
    for (int domain = 0; domain < DOMAINS; domain++)
        PyMem_SetAllocator(domain, &places[layer][domain].next);
}

unsigned long passed_on(int layer)
{
    return calls[layer];
}

/* ---- in place of: nobody below hears of the calls ---- */

static void *own_malloc(void *context, size_t size)
{
    (void)context;
    return malloc(size ? size : 1);
}

static void *own_calloc(void *context, size_t count, size_t size)
{
    (void)context;
    return calloc(count ? count : 1, size ? size : 1);
}

static void *own_realloc(void *context, void *block, size_t size)
{
    (void)context;
    return realloc(block, size ? size : 1);
}

static void own_free(void *context, void *block)
{
    (void)context;
    free(block);
}

enum { RAW = 0 };

/* Domain raw, which is malloc on every CPython but free-threaded 3.15. A third of the blocks is made by the allocator from before and freed
 * by the host's, a third the other way round, a third is made and resized by the host's and freed by the one from before. All are alive at
 * once, so no address is used twice. Returns 0. */
int swap_and_mix(int blocks, size_t size)
{
    struct allocator before, own = {NULL, own_malloc, own_calloc, own_realloc, own_free};
    void **made_before = malloc((size_t)blocks * sizeof *made_before), **made_by_own = malloc((size_t)blocks * 2 * sizeof *made_by_own);
    if (!made_before || !made_by_own)
        return 1;
    for (int i = 0; i < blocks; i++)
        made_before[i] = PyMem_RawMalloc(size);
    PyMem_GetAllocator(RAW, &before);
    PyMem_SetAllocator(RAW, &own);
    for (int i = 0; i < blocks; i++) {
        made_by_own[i] = PyMem_RawMalloc(size);
        made_by_own[blocks + i] = PyMem_RawRealloc(PyMem_RawMalloc(size), 2 * size);
    }
    for (int i = 0; i < blocks; i++)
        PyMem_RawFree(made_before[i]);
    PyMem_SetAllocator(RAW, &before);
    for (int i = 0; i < 2 * blocks; i++)
        PyMem_RawFree(made_by_own[i]);
    free(made_before);
    free(made_by_own);
    return 0;
}

/* ---- above, put in and taken out by two threads at once, while others allocate: no call may get lost ---- */

enum { USERS = 3, SWAPPERS = 2 };
static struct allocator below;
static struct {
    int rounds;
    size_t size;
    int users_left;
} use;

/* The context is not looked at: a caller may have read it before the function was replaced, or after. */
static void *hand_malloc(void *context, size_t size)
{
    (void)context;
    return below.malloc(below.context, size);
}

static void *hand_calloc(void *context, size_t count, size_t size)
{
    (void)context;
    return below.calloc(below.context, count, size);
}

static void *hand_realloc(void *context, void *block, size_t size)
{
    (void)context;
    return below.realloc(below.context, block, size);
}

static void hand_free(void *context, void *block)
{
    (void)context;
    below.free(below.context, block);
}

static void *use_raw(void *unused)
{
    for (int i = 0; i < use.rounds; i++)
        PyMem_RawFree(PyMem_RawRealloc(PyMem_RawMalloc(use.size), use.size * 2));
    __atomic_sub_fetch(&use.users_left, 1, __ATOMIC_RELEASE);
    return unused;
}

static void *swap_raw(void *unused)
{
    struct allocator above = {&above, hand_malloc, hand_calloc, hand_realloc, hand_free};
    while (__atomic_load_n(&use.users_left, __ATOMIC_ACQUIRE)) {
        PyMem_SetAllocator(RAW, &above);
        PyMem_SetAllocator(RAW, &below);
    }
    return unused;
}

int swap_while_used(int rounds, size_t size)
{
    pthread_t threads[USERS + SWAPPERS];
    PyMem_GetAllocator(RAW, &below);
    use.rounds = rounds;
    use.size = size;
    use.users_left = USERS;
    for (int i = 0; i < USERS + SWAPPERS; i++)
        if (pthread_create(&threads[i], NULL, i < USERS ? use_raw : swap_raw, NULL) != 0)
            return 1;
    for (int i = 0; i < USERS + SWAPPERS; i++)
        pthread_join(threads[i], NULL);
    PyMem_SetAllocator(RAW, &below);
    return 0;
}

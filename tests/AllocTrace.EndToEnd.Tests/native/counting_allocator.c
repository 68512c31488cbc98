/* An independent auditor: a preloadable library that counts, for each domain and operation, the calls that succeeded and their bytes, and
 * writes them at exit to the file that COUNTED names. It shares nothing with the product, neither code nor ideas: a lock and a table of
 * sizes do.
 *
 * Preloaded after liballoctrace.so it sits below it (constructors run from the last library to the first), and counts what reaches the real
 * allocator; alone it counts what the program does by itself.
 *
 * With COUNTED_EVENTS it also keeps each call, in the order of its lock, and writes them to COUNTED_EVENTS.PID: lines "domain operation
 * address size old_address"; a forked child begins with none.
 *
 * With COUNTED_EACH, a folder, each process counts in a file there, PID.N, which it shares: struct figures, and it is there however the
 * process ends. A forked child begins with none, and knows its parent's blocks; a program that replaces another is the next N.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RAW, MEM, OBJ, DOMAINS };
enum { MALLOC, CALLOC, REALLOC, FREE, OPERATIONS };

/* PyMemAllocatorEx. */
struct allocator {
    void *context;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
};

static struct allocator real[DOMAINS];
static void (*get_allocator)(int, struct allocator *);
static void (*set_allocator)(int, struct allocator *);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct figures {
    struct {
        unsigned long long calls, bytes;
    } of[DOMAINS][OPERATIONS];
    unsigned long long unknown; /* frees and reallocations of blocks that were not seen */
} figures_of_one, *figures = &figures_of_one;

enum { MOST_EVENTS = 1 << 23 };
static struct {
    unsigned char domain, operation;
    void *block, *old;
    size_t size;
} * events;
static size_t event_count;

/* A block over 512 bytes reaches pymalloc and, from there, the raw domain: only the outer call counts. */
static __thread int depth;

/* ---- the sizes of live blocks, so that frees have bytes: open addressing, never smaller ---- */

enum { SLOTS = 1 << 22, GONE = 1 };
static struct {
    uintptr_t block;
    size_t size;
} * sizes;

static size_t slot_of(uintptr_t block)
{
    return (block >> 4) * 0x9E3779B97F4A7C15u >> 42;
}

/* Blocks can be freed unseen (CPython replaces the raw domain for moments): then the address is there already. */
static void remember(void *block, size_t size)
{
    size_t slot = slot_of((uintptr_t)block), vacant = SLOTS;
    for (; sizes[slot].block && sizes[slot].block != (uintptr_t)block; slot = (slot + 1) % SLOTS)
        if (sizes[slot].block == GONE && vacant == SLOTS)
            vacant = slot;
    if (!sizes[slot].block && vacant != SLOTS)
        slot = vacant;
    sizes[slot].block = (uintptr_t)block;
    sizes[slot].size = size;
}

static bool forget(void *block, size_t *size)
{
    *size = 0;
    for (size_t slot = slot_of((uintptr_t)block); sizes[slot].block; slot = (slot + 1) % SLOTS)
        if (sizes[slot].block == (uintptr_t)block) {
            sizes[slot].block = GONE;
            *size = sizes[slot].size;
            return true;
        }
    return false;
}

/* ---- the hooks ---- */

/* Under the lock. */
static void count(int domain, int operation, void *block, void *old, size_t size)
{
    figures->of[domain][operation].calls++;
    figures->of[domain][operation].bytes += size;
    if (events && event_count < MOST_EVENTS) {
        events[event_count].domain = (unsigned char)domain;
        events[event_count].operation = (unsigned char)operation;
        events[event_count].block = block;
        events[event_count].old = old;
        events[event_count++].size = size;
    }
}

static void count_made(int domain, int operation, void *block, void *old, size_t size)
{
    pthread_mutex_lock(&lock);
    remember(block, size);
    count(domain, operation, block, old, size);
    pthread_mutex_unlock(&lock);
}

static void *count_malloc(void *domain, size_t size)
{
    int d = (int)((struct allocator *)domain - real);
    depth++;
    void *block = real[d].malloc(real[d].context, size);
    if (--depth == 0 && block)
        count_made(d, MALLOC, block, NULL, size);
    return block;
}

static void *count_calloc(void *domain, size_t n, size_t size)
{
    int d = (int)((struct allocator *)domain - real);
    depth++;
    void *block = real[d].calloc(real[d].context, n, size);
    if (--depth == 0 && block)
        count_made(d, CALLOC, block, NULL, n * size);
    return block;
}

/* The old block's address may be another thread's before the real one returns. */
static void *count_realloc(void *domain, void *old, size_t size)
{
    int d = (int)((struct allocator *)domain - real);
    bool counts = depth++ == 0, known = false;
    size_t old_size = 0;
    if (counts && old) {
        pthread_mutex_lock(&lock);
        known = forget(old, &old_size);
        pthread_mutex_unlock(&lock);
    }
    void *block = real[d].realloc(real[d].context, old, size);
    depth--;
    if (counts && block)
        count_made(d, REALLOC, block, old, size);
    if (counts && old && known != (block != NULL)) {
        pthread_mutex_lock(&lock);
        if (block)
            figures->unknown++;
        else
            remember(old, old_size);
        pthread_mutex_unlock(&lock);
    }
    return block;
}

static void count_free(void *domain, void *block)
{
    int d = (int)((struct allocator *)domain - real);
    if (depth++ == 0 && block) {
        size_t size;
        pthread_mutex_lock(&lock);
        figures->unknown += !forget(block, &size);
        count(d, FREE, block, NULL, size);
        pthread_mutex_unlock(&lock);
    }
    real[d].free(real[d].context, block);
    depth--;
}

static void install(void)
{
    for (int d = RAW; d < DOMAINS; d++)
        get_allocator(d, &real[d]);
    for (int d = RAW; d < DOMAINS; d++) {
        struct allocator hook = {&real[d], count_malloc, count_calloc, count_realloc, count_free};
        set_allocator(d, &hook);
    }
}

static char folder_of_each[2048];

static void count_in_a_file(void)
{
    int file = -1;
    for (int n = 0; file < 0 && (n == 0 || errno == EEXIST); n++) {
        char name[sizeof folder_of_each + 32];
        snprintf(name, sizeof name, "%s/%d.%d", folder_of_each, (int)getpid(), n);
        file = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    void *shared = file < 0 || ftruncate(file, sizeof *figures) != 0
                       ? MAP_FAILED
                       : mmap(NULL, sizeof *figures, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED)
        abort();
    figures = shared;
    close(file);
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void in_parent(void)
{
    pthread_mutex_unlock(&lock);
}

static void in_child(void)
{
    event_count = 0;
    if (*folder_of_each)
        count_in_a_file();
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void begin(void)
{
    *(void **)&get_allocator = dlsym(RTLD_DEFAULT, "PyMem_GetAllocator");
    *(void **)&set_allocator = dlsym(RTLD_DEFAULT, "PyMem_SetAllocator");
    const char *each = getenv("COUNTED_EACH");
    if (!get_allocator || !set_allocator || (!each && !getenv("COUNTED")))
        return;
    sizes = mmap(NULL, SLOTS * sizeof *sizes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (getenv("COUNTED_EVENTS"))
        events = mmap(NULL, MOST_EVENTS * sizeof *events, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (each) {
        snprintf(folder_of_each, sizeof folder_of_each, "%s", each);
        count_in_a_file();
    }
    if (each || events)
        pthread_atfork(before_fork, in_parent, in_child);
    install();
}

/* With PYTHONMALLOC or -X dev CPython sets allocators of its own while it starts, and the hooks are gone: COUNTED_AGAIN says that it will
 * be so. Preloaded before liballoctrace.so, this getenv notices that there are others than at first, and sets the hooks on top of them. */
char *getenv(const char *name)
{
    static char *(*next)(const char *);
    static int again;
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "getenv");
    if (sizes && !again && strncmp(name, "PYTHON", 6) == 0 && next("COUNTED_AGAIN")) {
        static void *(*first)(void *, size_t);
        struct allocator obj;
        get_allocator(OBJ, &obj);
        if (!first)
            first = obj.malloc;
        if (obj.malloc != first) {
            again = 1;
            install();
        }
    }
    return next(name);
}

__attribute__((destructor)) static void report(void)
{
    static const char *const domains[] = {"raw", "mem", "obj"}, *const operations[] = {"malloc", "calloc", "realloc", "free"};
    FILE *file = sizes && getenv("COUNTED") ? fopen(getenv("COUNTED"), "w") : NULL;
    for (int d = RAW; file && d < DOMAINS; d++)
        for (int o = MALLOC; o < OPERATIONS; o++)
            if (figures->of[d][o].calls)
                fprintf(file, "%s %s %llu %llu\n", domains[d], operations[o], figures->of[d][o].calls, figures->of[d][o].bytes);
    if (file)
        fclose(file);

    char name[4096];
    snprintf(name, sizeof name, "%s.%d", events ? getenv("COUNTED_EVENTS") : "", (int)getpid());
    file = events ? fopen(name, "w") : NULL;
    for (size_t i = 0; file && i < event_count; i++)
        fprintf(file, "%s %s %p %zu %p\n", domains[events[i].domain], operations[events[i].operation], events[i].block, events[i].size,
                events[i].old);
    if (file)
        fclose(file);
}

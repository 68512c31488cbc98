/* object_log.c: an account of a CPython's blocks and objects that shares nothing with AllocTrace.
 *
 * As LD_PRELOAD it replaces the three allocators of CPython and writes a line of 16 bytes for each block that comes or goes to the file
 * OBJECT_LOG. With object_log_trace as PyRefTracer (3.13 and later) it also logs each object that is created or destroyed.
 *
 * The file: a count of lines (8 bytes, zeroes to 16), then {address | kind << 48 | domain << 56, bytes} for each. The log knows one
 * process: a forked child writes nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct allocator {
    void *context;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
};

enum { ALLOCATED = 1, FREED = 2, CREATED = 3, DESTROYED = 4 };

struct log {
    _Atomic uint64_t count;
    uint64_t reserved;
    struct line {
        uint64_t what, bytes;
    } lines[];
};

static struct log *log_;
static uint64_t most;
static int is_on;
static struct allocator replaced[3];
static __thread int depth __attribute__((tls_model("initial-exec")));

static void note(int kind, int domain, void *address, uint64_t bytes)
{
    if (!address || !is_on)
        return;
    uint64_t line = atomic_fetch_add(&log_->count, 1);
    if (line >= most)
        abort();
    log_->lines[line] = (struct line){(uint64_t)address | (uint64_t)kind << 48 | (uint64_t)domain << 56, bytes};
}

/* An allocator may call another one: only the outermost call is the program's. */
static void *log_malloc(void *context, size_t bytes)
{
    int domain = (int)(intptr_t)context;
    depth++;
    void *block = replaced[domain].malloc(replaced[domain].context, bytes);
    if (--depth == 0)
        note(ALLOCATED, domain, block, bytes);
    return block;
}

static void *log_calloc(void *context, size_t count, size_t bytes)
{
    int domain = (int)(intptr_t)context;
    depth++;
    void *block = replaced[domain].calloc(replaced[domain].context, count, bytes);
    if (--depth == 0)
        note(ALLOCATED, domain, block, count * bytes);
    return block;
}

static void *log_realloc(void *context, void *old, size_t bytes)
{
    int domain = (int)(intptr_t)context;
    if (depth == 0)
        note(FREED, domain, old, 0);
    depth++;
    void *block = replaced[domain].realloc(replaced[domain].context, old, bytes);
    if (--depth == 0)
        note(ALLOCATED, domain, block, bytes);
    return block;
}

static void log_free(void *context, void *block)
{
    int domain = (int)(intptr_t)context;
    if (depth == 0)
        note(FREED, domain, block, 0);
    depth++;
    replaced[domain].free(replaced[domain].context, block);
    depth--;
}

/* A PyRefTracer. */
int object_log_trace(void *object, int event, void *data)
{
    (void)data;
    note(event == 0 ? CREATED : DESTROYED, 0, object, 0);
    return 0;
}

static void in_child(void)
{
    is_on = 0;
}

__attribute__((constructor)) static void start(void)
{
    const char *name = getenv("OBJECT_LOG");
    void (*get)(int, struct allocator *) = dlsym(RTLD_DEFAULT, "PyMem_GetAllocator");
    void (*set)(int, struct allocator *) = dlsym(RTLD_DEFAULT, "PyMem_SetAllocator");
    if (!name || !get || !set)
        return;
    const uint64_t bytes = 8ULL << 30; /* sparse */
    int file = open(name, O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, (off_t)bytes))
        abort();
    log_ = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (log_ == MAP_FAILED)
        abort();
    most = bytes / 16 - 1;
    is_on = 1;
    unsetenv("LD_PRELOAD");
    pthread_atfork(NULL, NULL, in_child);
    for (int domain = 0; domain < 3; domain++) {
        get(domain, &replaced[domain]);
        set(domain, &(struct allocator){(void *)(intptr_t)domain, log_malloc, log_calloc, log_realloc, log_free});
    }
}

/* An allocator that counts: a preloadable library that defines malloc's family, passes each call on, and knows which blocks are alive. It
 * shares nothing with the product. Preloaded after its libraries it sits below them, and sees everything that the C library's allocator is
 * asked for; before them, it takes all calls, as another allocator would.
 *
 * It holds a lock while it works, as allocators do, and maps memory meanwhile now and then. Who calls it from there, ends the program.
 *
 * counted_mark(name) appends "name blocks bytes" of what is alive to the file that COUNTED names, and takes a snapshot of that name.
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
#include <sys/syscall.h>
#include <unistd.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
void *memalign(size_t alignment, size_t size);
void counted_mark(const char *name);

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    void *(*memalign)(size_t, size_t);
} real;

/* ---- the first calls come from dlsym itself ---- */

static char early[65536];
static size_t early_used;

static void *early_block(size_t size)
{
    void *block = early + early_used;
    early_used += (size + 15) & ~(size_t)15;
    if (early_used > sizeof early)
        abort();
    return block;
}

static bool is_early(const void *block)
{
    return (const char *)block >= early && (const char *)block < early + sizeof early;
}

static bool find_real(void)
{
    static bool is_looking;
    if (real.memalign)
        return true;
    if (is_looking)
        return false;
    is_looking = true;
    real.malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    real.calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    real.realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    real.free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    real.memalign = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "memalign");
    is_looking = false;
    return true;
}

/* ---- the lock, and who may be under it ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread bool is_inside __attribute__((tls_model("initial-exec")));

static void enter(void)
{
    static unsigned calls;
    if (is_inside) {
        static const char said[] = "the allocator was called from within itself\n";
        (void)!write(STDERR_FILENO, said, sizeof said - 1);
        abort();
    }
    is_inside = true;
    pthread_mutex_lock(&lock);
    if (calls++ % 64 == 0) {
        void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory != MAP_FAILED)
            munmap(memory, 4096);
    }
}

static void leave(void)
{
    pthread_mutex_unlock(&lock);
    is_inside = false;
}

/* ---- what is alive ---- */

enum { SLOTS = 1 << 22, GONE = 1 };
static struct {
    uintptr_t block;
    size_t size;
} * sizes;
static long live_blocks, live_bytes;

static size_t slot_of(uintptr_t block)
{
    return (block >> 4) * 0x9E3779B97F4A7C15u >> 42;
}

static void remember(void *block, size_t size)
{
    if (!block)
        return;
    if (!sizes)
        sizes = (void *)syscall(SYS_mmap, NULL, SLOTS * sizeof *sizes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t slot = slot_of((uintptr_t)block);
    while (sizes[slot].block > GONE)
        slot = (slot + 1) % SLOTS;
    sizes[slot].block = (uintptr_t)block;
    sizes[slot].size = size;
    live_blocks++;
    live_bytes += (long)size;
}

static void forget(void *block)
{
    for (size_t slot = slot_of((uintptr_t)block); sizes && sizes[slot].block; slot = (slot + 1) % SLOTS)
        if (sizes[slot].block == (uintptr_t)block) {
            sizes[slot].block = GONE;
            live_blocks--;
            live_bytes -= (long)sizes[slot].size;
            return;
        }
}

/* ---- the functions ---- */

void *malloc(size_t size)
{
    if (!find_real())
        return early_block(size);
    enter();
    void *block = real.malloc(size);
    remember(block, size);
    leave();
    return block;
}

void *calloc(size_t count, size_t size)
{
    if (!find_real())
        return early_block(count * size);
    enter();
    void *block = real.calloc(count, size);
    remember(block, count * size);
    leave();
    return block;
}

void *realloc(void *old, size_t size)
{
    if (!find_real())
        abort();
    if (is_early(old)) {
        void *block = malloc(size);
        if (block)
            memcpy(block, old, size);
        return block;
    }
    enter();
    void *block = real.realloc(old, size);
    if (old && (block || !size))
        forget(old);
    remember(block, size);
    leave();
    return block;
}

void free(void *block)
{
    if (!block || is_early(block) || !find_real())
        return;
    enter();
    forget(block);
    real.free(block);
    leave();
}

void *memalign(size_t alignment, size_t size)
{
    find_real();
    enter();
    void *block = real.memalign(alignment, size);
    remember(block, size);
    leave();
    return block;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    void *made = memalign(alignment, size);
    if (made)
        *block = made;
    return made ? 0 : ENOMEM;
}

void counted_mark(const char *name)
{
    static int (*take_snapshot)(const char *);
    if (!take_snapshot)
        take_snapshot = (int (*)(const char *))dlsym(RTLD_DEFAULT, "alloctrace_snapshot");
    const char *path = getenv("COUNTED");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    char line[128];
    int length = snprintf(line, sizeof line, "%s %ld %ld\n", name, live_blocks, live_bytes);
    if (file < 0 || !take_snapshot || write(file, line, (size_t)length) != length || take_snapshot(name) != 0)
        abort();
    close(file);
}

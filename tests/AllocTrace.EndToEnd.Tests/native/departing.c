/* Threads that end in unusual ways: cancelled within an allocator, or allocating while they end. Loaded by the traced programs with ctypes.
 */
#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

void *PyMem_RawMalloc(size_t size);
void PyMem_RawFree(void *block);

int cancel_in_first_allocation(int (*start)(const char *path, const char *options), const char *path);
long allocate_while_ending(int count);

/* ---- cancelled ---- */

static int is_cancelled, came_out;

static void *allocate_cancelled(void *unused)
{
    while (!__atomic_load_n(&is_cancelled, __ATOMIC_ACQUIRE))
        sched_yield();
    PyMem_RawFree(PyMem_RawMalloc(100));
    __atomic_store_n(&came_out, 1, __ATOMIC_RELEASE);
    pthread_testcancel();
    return unused;
}

/* The first allocation of a recording makes its session and starts its collector. Returns whether the thread came out of the allocator and
 * was cancelled after it; negative when that could not be tried. */
int cancel_in_first_allocation(int (*start)(const char *path, const char *options), const char *path)
{
    pthread_t thread;
    void *result;
    if (start(path, "") != 0 || pthread_create(&thread, NULL, allocate_cancelled, NULL) != 0)
        return -1;
    pthread_cancel(thread);
    __atomic_store_n(&is_cancelled, 1, __ATOMIC_RELEASE);
    pthread_join(thread, &result);
    return came_out && result == PTHREAD_CANCELED;
}

/* ---- allocating in the destructors of thread-specific data ---- */

enum { KEYS = 3 };

/* Each key's value counts its rounds. */
static pthread_key_t keys[KEYS];

static void allocate_again(pthread_key_t key, size_t round)
{
    PyMem_RawFree(PyMem_RawMalloc(64));
    if (round < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(key, (void *)(round + 1));
}

static void on_end_0(void *round)
{
    allocate_again(keys[0], (size_t)round);
}

static void on_end_1(void *round)
{
    allocate_again(keys[1], (size_t)round);
}

/* Only in the last round. */
static void on_end_2(void *round)
{
    if ((size_t)round == PTHREAD_DESTRUCTOR_ITERATIONS)
        PyMem_RawFree(PyMem_RawMalloc(64));
    else
        pthread_setspecific(keys[2], (void *)((size_t)round + 1));
}

/* Every other thread allocates nothing before it ends. */
static void *end(void *number)
{
    if ((size_t)number % 2)
        PyMem_RawFree(PyMem_RawMalloc(64));
    if ((size_t)number % 3) {
        pthread_setspecific(keys[0], (void *)1);
        pthread_setspecific(keys[1], (void *)1);
    }
    pthread_setspecific(keys[2], (void *)1);
    return NULL;
}

/* Private memory: the session, which is shared, grows as it likes. The sixth number of statm, proc_pid_statm(5). */
static long private_kib(void)
{
    long pages = -1;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %*d %*d %*d %*d %ld", &pages) != 1)
        pages = -1;
    if (file)
        fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int end_threads(int count)
{
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, end, (void *)(size_t)i) != 0)
            return 1;
        pthread_join(thread, NULL);
    }
    return 0;
}

/* Returns the growth of private memory, in KiB. */
long allocate_while_ending(int count)
{
    enum { WARM_UP = 60 };
    void (*destructors[KEYS])(void *) = {on_end_0, on_end_1, on_end_2};
    for (int i = 0; i < KEYS; i++)
        if (pthread_key_create(&keys[i], destructors[i]) != 0)
            return -1;
    if (end_threads(WARM_UP) != 0)
        return -1;
    long before = private_kib();
    return end_threads(count - WARM_UP) == 0 ? private_kib() - before : -1;
}

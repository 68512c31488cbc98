/* Uses memory in ways of C programs that a recorder may get wrong. Called by ctypes (programs/native_traps.py). Each function returns 0, or
 * the line of the check that failed. Blocks that must be in the recording are kept, and have sizes that nobody else requests. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(condition)                                                                                                                    \
    if (!(condition))                                                                                                                      \
    return __LINE__

enum { PAGE = 4096 };

static volatile size_t huge = SIZE_MAX / 2; /* the compiler must not see that it cannot be had */
void *kept[64];
static size_t kept_count;

static void keep(void *block)
{
    kept[kept_count++] = block;
}

/* The compiler leaves out what is freed at once. */
static void get_and_free(size_t size)
{
    void *volatile block = malloc(size);
    free(block);
}

int families(void);
int reallocations(void);
int error_number(void);
int mappings(void);
int many_threads(int count);
int late_frees(int count);
int other_family(const char *copy_of_this);
int forks(void);
void *duplicate(const char *text);
void *get(size_t size);
void give_back(void *block);

/* Ten blocks of 100,001 bytes and more. */
int families(void)
{
    void *block = NULL;
    keep(malloc(100001));
    keep(calloc(1, 100002));
    keep(realloc(NULL, 100003));
    MUST(posix_memalign(&block, 256, 100004) == 0 && (uintptr_t)block % 256 == 0);
    keep(block);
    keep(aligned_alloc(64, 100032));
    keep(memalign(512, 100006));
    keep(valloc(100007));
    keep(pvalloc(100008));
    keep(reallocarray(NULL, 3, 33337));
    keep(strndup("text", 4));
    for (size_t i = 0; i < kept_count; i++)
        MUST(kept[i] && malloc_usable_size(kept[i]) >= (i == 9 ? 5 : 100001));
    MUST((uintptr_t)kept[6] % PAGE == 0 && (uintptr_t)kept[7] % PAGE == 0);
    MUST(malloc_usable_size(kept[7]) >= 25 * PAGE);
    MUST(posix_memalign(&block, 3, 8) == EINVAL);
    return 0;
}

/* One block of 200,002 bytes stays. */
int reallocations(void)
{
    char *block = malloc(200001);
    block[0] = 'x';
    errno = 0;
    MUST(!realloc(block, huge) && errno == ENOMEM && block[0] == 'x');
    MUST(!reallocarray(block, huge, 4) && errno == ENOMEM);
    MUST(!calloc(huge, 4));
    block = realloc(block, 200002);
    MUST(block && block[0] == 'x');
    keep(block);
    void *other = malloc(200003);
    MUST(other);
    free(realloc(other, 0)); /* glibc frees it and returns NULL, others return another block */
    return 0;
}

int error_number(void)
{
    errno = 77;
    for (int i = 0; i < 20000; i++) {
        void *block = malloc(100 + (size_t)i % 64);
        block = realloc(block, 200);
        free(block);
        void *mapping = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        MUST(mapping != MAP_FAILED && munmap(mapping, PAGE) == 0 && errno == 77);
    }
    MUST(munmap((void *)1, PAGE) == -1 && errno == EINVAL);
    return 0;
}

static void *map(void *at, int pages, int protection, int flags)
{
    return mmap(at, (size_t)pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

/* Leaves 12 + 3 + 20 + 8 pages. */
int mappings(void)
{
    enum { WRITABLE = PROT_READ | PROT_WRITE };
    char *one = map(NULL, 16, WRITABLE, 0);
    MUST(one != MAP_FAILED && munmap(one + 6 * PAGE, 4 * PAGE) == 0); /* its middle: 12 are left */
    char *two = map(NULL, 8, WRITABLE, 0);
    MUST(two != MAP_FAILED && map(two + 2 * PAGE, 5, PROT_NONE, MAP_FIXED) == two + 2 * PAGE); /* reserved only: 3 are left */
    char *three = map(NULL, 10, WRITABLE, 0);
    three = mremap(three, 10 * PAGE, 20 * PAGE, MREMAP_MAYMOVE);
    MUST(three != MAP_FAILED);
    MUST(mremap(three, 20 * PAGE, (size_t)1 << 60, MREMAP_MAYMOVE) == MAP_FAILED); /* and stays */
    char *four = map(NULL, 8, WRITABLE, 0);
    MUST(four != MAP_FAILED && map(four, 8, WRITABLE, MAP_FIXED) == four); /* the second takes the first one's place */
    char *five = map(NULL, 5, WRITABLE, 0);
    MUST(five != MAP_FAILED && munmap(five, 0) == -1 && munmap(five, 5 * PAGE) == 0);
    char *reserved = map(NULL, 1000, PROT_NONE, MAP_NORESERVE);
    MUST(reserved != MAP_FAILED);
    return 0;
}

/* ---- threads ---- */

static void *short_thread(void *unused)
{
    (void)unused;
    get_and_free(1000);
    return NULL;
}

/* Each ends before the next begins; every other one by itself. */
int many_threads(int count)
{
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        MUST(pthread_create(&thread, i % 2 ? &detached : NULL, short_thread, NULL) == 0);
        if (i % 2 == 0)
            pthread_join(thread, NULL);
    }
    usleep(100000);
    return 0;
}

static pthread_key_t key;
static int rounds_left_at_least;

/* In its last round, after which no destructor is called any more. */
static void free_at_last(void *block)
{
    static __thread int rounds;
    if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(key, block);
        return;
    }
    free(block);
    get_and_free(300003);
    __atomic_add_fetch(&rounds_left_at_least, 1, __ATOMIC_RELAXED);
}

static void *thread_with_value(void *unused)
{
    (void)unused;
    pthread_setspecific(key, malloc(300001));
    return NULL;
}

int late_frees(int count)
{
    MUST(pthread_key_create(&key, free_at_last) == 0);
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        MUST(pthread_create(&thread, NULL, thread_with_value, NULL) == 0);
        pthread_join(thread, NULL);
    }
    MUST(rounds_left_at_least == count);
    return 0;
}

/* ---- another family ---- */

/* An image loaded with RTLD_DEEPBIND calls the C library's own functions. Half of our blocks are freed there, and half of its blocks here.
 */
int other_family(const char *copy_of_this)
{
    enum { BLOCKS = 1000 };
    static void *ours[BLOCKS];
    void *image = dlopen(copy_of_this, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    MUST(image);
    void *(*get_there)(size_t) = (void *(*)(size_t))dlsym(image, "get");
    void (*give_back_there)(void *) = (void (*)(void *))dlsym(image, "give_back");
    MUST(get_there && give_back_there && get_there != get);
    for (int i = 0; i < BLOCKS; i++)
        ours[i] = i % 2 ? malloc(1501) : get_there(1501);
    for (int i = 0; i < BLOCKS; i++)
        if (i % 2)
            give_back_there(ours[i]);
        else
            free(ours[i]);
    keep(get_there(400001));
    return 0;
}

void *get(size_t size)
{
    return malloc(size);
}

void give_back(void *block)
{
    free(block);
}

void *duplicate(const char *text)
{
    return strdup(text);
}

/* ---- processes ---- */

static volatile int is_over;

static void *allocate_always(void *unused)
{
    (void)unused;
    while (!is_over)
        get_and_free(1000);
    return NULL;
}

/* Children of fork that allocate and exit, and of vfork, while another thread allocates. */
int forks(void)
{
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, allocate_always, NULL) == 0);
    for (int i = 0; i < 100; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0) {
            get_and_free(5000);
            _exit(3);
        }
        MUST(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
        child = vfork();
        if (child == 0) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        MUST(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    is_over = 1;
    pthread_join(thread, NULL);
    return 0;
}

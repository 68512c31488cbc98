/* A hook that does nothing but pass calls on: the least that any hook can cost. Preload it; it hooks when the program's CPython is in the
 * executable or among the libraries that it was linked with. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

struct allocator {
    void *context;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
};

static struct allocator original[3];

#define HOOKS(domain)                                                                                                                      \
    static void *malloc_##domain(void *context, size_t size)                                                                               \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        return original[domain].malloc(original[domain].context, size);                                                                    \
    }                                                                                                                                      \
    static void *calloc_##domain(void *context, size_t count, size_t size)                                                                 \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        return original[domain].calloc(original[domain].context, count, size);                                                             \
    }                                                                                                                                      \
    static void *realloc_##domain(void *context, void *block, size_t size)                                                                 \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        return original[domain].realloc(original[domain].context, block, size);                                                            \
    }                                                                                                                                      \
    static void free_##domain(void *context, void *block)                                                                                  \
    {                                                                                                                                      \
        (void)context;                                                                                                                     \
        original[domain].free(original[domain].context, block);                                                                            \
    }
HOOKS(0)
HOOKS(1)
HOOKS(2)

static const struct allocator hooks[3] = {
    {NULL, malloc_0, calloc_0, realloc_0, free_0},
    {NULL, malloc_1, calloc_1, realloc_1, free_1},
    {NULL, malloc_2, calloc_2, realloc_2, free_2},
};

__attribute__((constructor)) static void install(void)
{
    void (*get)(int, struct allocator *) = (void (*)(int, struct allocator *))dlsym(RTLD_DEFAULT, "PyMem_GetAllocator");
    void (*set)(int, const struct allocator *) = (void (*)(int, const struct allocator *))dlsym(RTLD_DEFAULT, "PyMem_SetAllocator");
    for (int domain = 0; get && set && domain < 3; domain++) {
        get(domain, &original[domain]);
        struct allocator hook = hooks[domain];
        hook.context = original[domain].context;
        set(domain, &hook);
    }
}

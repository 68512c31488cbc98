/* A stand-in for a CPython that nobody knows yet, 3.99: it has the functions by which a CPython is found, and the allocators behind them,
 * but no layout that is known. It allocates 1,000 blocks of 100 bytes, frees every other one, and prints what a CPython would not know. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct allocator {
    void *context;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
};

static void *plain_malloc(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *plain_calloc(void *context, size_t count, size_t size)
{
    (void)context;
    return calloc(count, size);
}

static void *plain_realloc(void *context, void *block, size_t size)
{
    (void)context;
    return realloc(block, size);
}

static void plain_free(void *context, void *block)
{
    (void)context;
    free(block);
}

#define PLAIN                                                                                                                              \
    {                                                                                                                                      \
        NULL, plain_malloc, plain_calloc, plain_realloc, plain_free                                                                        \
    }
static struct allocator allocators[3] = {PLAIN, PLAIN, PLAIN};
unsigned char _PyRuntime[65536] = "xdebugpy";

const char *Py_GetVersion(void)
{
    return "3.99.0 (main, Jan  1 2040) [GCC 30]";
}

void PyMem_GetAllocator(int domain, struct allocator *allocator)
{
    *allocator = allocators[domain];
}

void PyMem_SetAllocator(int domain, struct allocator *allocator)
{
    allocators[domain] = *allocator;
}

int main(void)
{
    enum { OBJ = 2, BLOCKS = 1000 };
    static void *block[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        block[i] = allocators[OBJ].malloc(allocators[OBJ].context, 100);
    for (int i = 0; i < BLOCKS; i += 2)
        allocators[OBJ].free(allocators[OBJ].context, block[i]);
    puts("done");
    return 0;
}

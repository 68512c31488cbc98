/* C functions around Python functions, of which programs/c_stacks.py knows who calls whom. None may be inlined, nor end in a jump. */
#include <alloca.h>
#include <stdlib.h>
#include <string.h>

#define FRAME __attribute__((noinline, noclone))
#define KEEP_FRAME __asm__ volatile("" ::: "memory")

void *c_leaf(size_t size);
void *c_branch(size_t size);
void *c_root(size_t size);
long c_inner(long (*callback)(long), long argument);
long c_outer(long (*callback)(long), long argument);
long c_aligned(long (*callback)(long), long argument);
size_t c_deep(size_t depth, size_t times);

FRAME void *c_leaf(size_t size)
{
    void *block = malloc(size);
    KEEP_FRAME;
    return block;
}

FRAME void *c_branch(size_t size)
{
    void *block = c_leaf(size);
    KEEP_FRAME;
    return block;
}

FRAME void *c_root(size_t size)
{
    void *block = c_branch(size);
    KEEP_FRAME;
    return block;
}

FRAME long c_inner(long (*callback)(long), long argument)
{
    long result = callback(argument);
    KEEP_FRAME;
    return result;
}

FRAME long c_outer(long (*callback)(long), long argument)
{
    long result = c_inner(callback, argument);
    KEEP_FRAME;
    return result;
}

/* A frame of a size that is known when it runs, below one that aligns its stack. */
FRAME static long of_any_size(long (*callback)(long), long argument)
{
    char *room = alloca(16 + (size_t)argument % 7 * 24);
    memset(room, 1, 16);
    __asm__ volatile("" : : "r"(room) : "memory");
    long result = callback(argument);
    KEEP_FRAME;
    return result + room[3];
}

FRAME long c_aligned(long (*callback)(long), long argument)
{
    _Alignas(64) volatile char aligned[128];
    aligned[5] = (char)argument;
    long result = of_any_size(callback, argument);
    KEEP_FRAME;
    return result + aligned[5];
}

/* Many allocations of one byte, below that many frames. Returns how many. */
FRAME size_t c_deep(size_t depth, size_t times)
{
    size_t count = 0;
    if (depth > 0)
        count = c_deep(depth - 1, times);
    else
        for (; count < times; count++)
            free(c_leaf(1));
    KEEP_FRAME;
    return count;
}

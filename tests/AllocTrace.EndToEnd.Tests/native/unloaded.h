/* Two libraries that differ only in how large their frames are (ROOM): loaded in turn, they get the same addresses. */
#include <stdlib.h>

void *allocate(int size);

__attribute__((noinline, noclone)) static void *allocate_below(int size, volatile char *out)
{
    volatile char room[ROOM];
    room[size % 60] = 1;
    void *block = malloc(10 + (size_t)size + (size_t)room[size % 60]);
    out[0] = room[size % 60];
    return block;
}

void *allocate(int size)
{
    volatile char room[64];
    void *block = allocate_below(size, room);
    room[1] = 2;
    return block;
}

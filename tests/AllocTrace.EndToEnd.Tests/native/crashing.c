/* Ways to crash, called with the GIL held so that no other thread's Python code moves meanwhile. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int crash(const char *how);

static volatile int depth;

static __attribute__((noinline)) int overflow(volatile char *above)
{
    volatile char room[4096];
    room[0] = above ? above[0] : 0;
    if (depth++ < 0)
        return 0;
    return overflow(room) + room[0];
}

int crash(const char *how)
{
    if (strcmp(how, "null") == 0)
        return *(volatile int *)(size_t)strlen("");
    if (strcmp(how, "overflow") == 0)
        return overflow(NULL);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "ill") == 0)
        __builtin_trap();
    if (strcmp(how, "fpe") == 0) {
        volatile int one = 1, zero = 0;
        return one / zero;
    }
    if (strcmp(how, "bus") == 0) {
        char path[] = "/tmp/alloctrace-bus-XXXXXX";
        int file = mkstemp(path);
        unlink(path);
        volatile char *memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
        return memory[0];
    }
    return 1;
}

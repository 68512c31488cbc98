/* Ways to crash, called with the GIL held so that no other thread's Python code moves meanwhile. */
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
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

/* Writes where the calls come from, as glibc finds it, and what is mapped where. */
static __attribute__((noinline)) void witness(const char *path)
{
    enum { MOST = 512 };
    void *addresses[MOST];
    int count = backtrace(addresses, MOST), c;
    FILE *file = fopen(path, "w"), *maps = fopen("/proc/self/maps", "r");
    for (int i = 0; i < count; i++)
        fprintf(file, "%zx\n", (size_t)addresses[i]);
    while ((c = getc(maps)) != EOF)
        putc(c, file);
    fclose(maps);
    fclose(file);
}

int crash(const char *how)
{
    if (getenv("WITNESS"))
        witness(getenv("WITNESS"));
    if (strcmp(how, "jump") == 0) {
        int (*volatile nowhere)(void) = NULL;
        return nowhere() + 1;
    }
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

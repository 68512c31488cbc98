/* Threads that stay where they are, for reports of C stacks: each writes the stack that backtrace() finds before it waits or spins. None of
 * the functions between may be inlined, nor end in a jump. */
#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRAME __attribute__((noinline, noclone))
#define KEEP_FRAME __asm__ volatile("" ::: "memory")

enum { WAITS, SPINS };

int wait_here(const char *file, int how);
int start_thread_here(const char *file, int how);

static int never[2];

/* Writes the return addresses outside of this function. */
static FRAME void witness(const char *path)
{
    enum { MOST = 512 };
    void *addresses[MOST];
    int count = backtrace(addresses, MOST);
    char part[512];
    snprintf(part, sizeof part, "%s.part", path);
    FILE *file = fopen(part, "w");
    fprintf(file, "%ld\n", syscall(SYS_gettid));
    for (int i = 2; i < count; i++)
        fprintf(file, "%zx\n", (size_t)addresses[i]);
    fclose(file);
    rename(part, path);
}

static FRAME int innermost(const char *file, int how)
{
    char byte;
    witness(file);
    for (volatile unsigned long turns = 0; how == SPINS; turns++)
        ;
    ssize_t got = read(never[0], &byte, sizeof byte);
    KEEP_FRAME;
    return (int)got;
}

/* A frame that is found by the frame pointer, because its size is known only when it runs. Where it waits, it is larger than what is read
 * of a stack at first. */
static FRAME int of_any_size(const char *file, int how)
{
    volatile char room[strlen(file) + (how == WAITS ? 300000 : 16)];
    room[0] = 1;
    int result = innermost(file, how);
    KEEP_FRAME;
    return result + room[0];
}

FRAME int wait_here(const char *file, int how)
{
    if (!never[1] && pipe(never) != 0)
        return -1;
    int result = of_any_size(file, how);
    KEEP_FRAME;
    return result;
}

static struct {
    char file[400];
    int how;
} of_thread;

static void *run(void *unused)
{
    (void)unused;
    wait_here(of_thread.file, of_thread.how);
    KEEP_FRAME;
    return NULL;
}

/* A thread that has no Python. */
int start_thread_here(const char *file, int how)
{
    pthread_t thread;
    snprintf(of_thread.file, sizeof of_thread.file, "%s", file);
    of_thread.how = how;
    return pthread_create(&thread, NULL, run, NULL);
}

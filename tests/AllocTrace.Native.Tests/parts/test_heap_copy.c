#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/heap_copy.h"
#include "capture/recording.h"
#include "capture/records.h"
#include "check.h"

/* The data that a copy and its process share. */
static struct shared {
    uint32_t ends, ended, reader;
    uint64_t beat;
} * shared;

static void note_end(void)
{
    shared->ended = 1;
}

static int32_t copy_this_process(void)
{
    if (!shared)
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared->ends = shared->ended = 0;
    shared->reader = (uint32_t)getpid();
    struct os_copy_terms terms = {&shared->ends, &shared->beat, &shared->reader, note_end};
    return os_copy_process(&terms);
}

static void end_copy(int32_t pid)
{
    shared->ends = 1;
    for (int i = 0; i < 500 && !os_copy_is_reaped(pid); i++)
        os_sleep_ns(10000000);
    CHECK(shared->ended);
    CHECK(kill(pid, 0) != 0 && errno == ESRCH); /* not even a zombie is left */
}

void a_copy_holds_the_memory_of_its_moment(void)
{
    static volatile int value = 1;
    int32_t pid = copy_this_process();
    CHECK(pid > 0);
    value = 2;
    int seen = 0;
    struct iovec to = {&seen, sizeof seen}, from = {(void *)&value, sizeof value};
    CHECK(process_vm_readv(pid, &to, 1, &from, 1, 0) == sizeof seen && seen == 1);
    end_copy(pid);
}

/* Returns how long a reader waits for the end of a pipe, in milliseconds, at most a second. */
static int wait_for_end(int descriptor)
{
    struct pollfd wanted = {descriptor, POLLIN, 0};
    uint64_t begin = os_monotonic_ns();
    CHECK(poll(&wanted, 1, 1000) == 1 && (wanted.revents & POLLHUP));
    return (int)((os_monotonic_ns() - begin) / 1000000);
}

/* A descriptor that the program closes is closed, and so are those of a program that ends or executes another one while its copy lives. */
void a_copy_keeps_no_file_open(void)
{
    enum { LATE_MS = 300 };
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    int32_t pid = copy_this_process();
    CHECK(pid > 0);
    close(ends[1]);
    CHECK(wait_for_end(ends[0]) < LATE_MS);
    end_copy(pid);

    for (int executes = 0; executes < 2; executes++) {
        CHECK(pipe2(ends, O_CLOEXEC) == 0);
        pid_t child = fork();
        if (child == 0) {
            copy_this_process();
            if (executes)
                execl("/bin/sleep", "sleep", "1", (char *)NULL);
            _exit(0);
        }
        close(ends[1]);
        CHECK(wait_for_end(ends[0]) < LATE_MS);
        CHECK(!shared->ended); /* the copy lives still */
        shared->ends = 1;
        CHECK(waitpid(child, NULL, 0) == child);
    }
}

enum { COPIES = 4, COPY_LIFE_MS = 300, OPEN_NS = 1000000 };

static struct closing {
    uint64_t latest_ns, count;
    bool is_over;
} closing;

/* Opens pipes and closes them a millisecond later. The reader is the same thread: what is measured is whether the end is there. */
static void *close_pipes(void *unused)
{
    while (!__atomic_load_n(&closing.is_over, __ATOMIC_ACQUIRE)) {
        int ends[2];
        CHECK(pipe2(ends, O_CLOEXEC) == 0);
        os_sleep_ns(OPEN_NS);
        close(ends[1]);
        uint64_t closed = os_monotonic_ns();
        wait_for_end(ends[0]);
        uint64_t late = os_monotonic_ns() - closed;
        closing.latest_ns = late > closing.latest_ns ? late : closing.latest_ns;
        closing.count++;
        close(ends[0]);
    }
    return unused;
}

/* Most copies are made while a pipe is open that is closed during their life. A copy has duplicates of the lowest 64 descriptors while it
 * leaves the table of files, so an end can be late by the time for which the copy waits for a processor then. */
void a_copy_holds_no_end_of_a_pipe_while_it_lives(void)
{
    enum { LATE_MS = COPY_LIFE_MS / 2 };
    closing = (struct closing){0, 0, false};
    pthread_t closer;
    CHECK(pthread_create(&closer, NULL, close_pipes, NULL) == 0);
    for (int i = 0; i < COPIES; i++) {
        int32_t pid = copy_this_process();
        CHECK(pid > 0);
        os_sleep_ns(COPY_LIFE_MS * UINT64_C(1000000));
        CHECK(!shared->ended);
        end_copy(pid);
    }
    __atomic_store_n(&closing.is_over, true, __ATOMIC_RELEASE);
    CHECK(pthread_join(closer, NULL) == 0);
    CHECK(closing.count > COPIES);
    CHECK(closing.latest_ns / 1000000 < LATE_MS);
}

void a_copy_is_not_seen_by_the_programs_waits(void)
{
    int32_t pid = copy_this_process();
    CHECK(pid > 0);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    shared->ends = 1;
    while (!shared->ended)
        os_sleep_ns(1000000);
    os_sleep_ns(20000000);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    sigset_t pending;
    CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGCHLD));
    end_copy(pid);
}

static uint64_t ticket(void)
{
    return (session.header->order & ~ALLOCTRACE_ORDER_REQUEST) >> ALLOCTRACE_SLOT_BITS;
}

static void record_object(uintptr_t address)
{
    struct thread_capture *thread = thread_enter();
    CHECK(thread);
    record_block(thread, ALLOCTRACE_RECORD_MALLOC, ALLOCTRACE_DOMAIN_OBJ, (void *)address, 10, 0);
    thread_leave(thread);
}

/* Without a CPython there is no GIL to hold: the request stays until it is withdrawn. A released copy that is gone is reaped by any call.
 */
void a_request_is_served_once_and_costs_no_batch(void)
{
    open_test_session(8u << 20);
    record_object(16);
    struct alloctrace_session *header = session.header;
    uint64_t before = ticket();
    header->copy_wanted = 1;
    header->order |= ALLOCTRACE_ORDER_REQUEST;
    for (uintptr_t i = 2; i < 10; i++)
        record_object(16 * i);
    CHECK(header->copy_wanted == 1 && (header->order & ALLOCTRACE_ORDER_REQUEST));
    CHECK(ticket() == before);
    header->copy_wanted = 0;
    header->copy_pid = 1 << 30;
    header->copy_state = ALLOCTRACE_COPY_RELEASED;
    record_object(16);
    CHECK(header->copy_state == ALLOCTRACE_COPY_NONE);
    CHECK(!(header->order & ALLOCTRACE_ORDER_REQUEST) && ticket() == before);
}

/* Uses callstack.h as a tool would: from an allocator hook, and from a signal handler at random moments. Loaded with ctypes; programs/
 * callstack.py says how. The functions of the library are looked up, so that it can be any build of it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloctrace/callstack.h"

typedef struct {
    void *context;
    void *(*malloc)(void *context, size_t size);
    void *(*calloc)(void *context, size_t count, size_t size);
    void *(*realloc)(void *context, void *block, size_t size);
    void (*free)(void *context, void *block);
} PyMemAllocatorEx;

void PyMem_GetAllocator(int domain, PyMemAllocatorEx *allocator);
void PyMem_SetAllocator(int domain, PyMemAllocatorEx *allocator);
int PyGILState_Ensure(void);
void PyGILState_Release(int state);
void *PyEval_SaveThread(void);
void PyEval_RestoreThread(void *state);

const char *probe_open(const char *library);
void probe_hook(int descriptor, size_t smallest);
int probe_interrupt(int signal, int theirs, int printed, int walked, unsigned shortest_us);
int probe_interruptions(void);
int probe_thread_without_state(int descriptor);
int probe_thread_without_frames(int descriptor, int interpreters_own);
int probe_detached(int descriptor);
const void *probe_state(void);

#define FUNCTIONS(X)                                                                                                                       \
    X(alloctrace_python_find)                                                                                                              \
    X(alloctrace_python_careful)                                                                                                           \
    X(alloctrace_thread_state_borrow)                                                                                                      \
    X(alloctrace_frame_innermost)                                                                                                          \
    X(alloctrace_frame_caller)                                                                                                             \
    X(alloctrace_frame_borrow_code)                                                                                                        \
    X(alloctrace_frame_line)                                                                                                               \
    X(alloctrace_code_filename)                                                                                                            \
    X(alloctrace_code_name)                                                                                                                \
    X(alloctrace_stack_collect)                                                                                                            \
    X(alloctrace_stack_print)                                                                                                              \
    X(alloctrace_stacks_print)

static struct {
#define MEMBER(name) __typeof__(name) *name;
    FUNCTIONS(MEMBER)
} api;

static const struct alloctrace_python *python, *careful;

const char *probe_open(const char *library)
{
    void *handle = dlopen(library, RTLD_NOW);
    if (!handle)
        return dlerror();
#define LOOK_UP(name)                                                                                                                      \
    if (!(api.name = (__typeof__(name) *)dlsym(handle, #name)))                                                                            \
        return #name;
    FUNCTIONS(LOOK_UP)
    const char *reason = "no CPython";
    python = api.alloctrace_python_find(0, &reason);
    careful = python ? api.alloctrace_python_careful(python) : NULL;
    return python ? NULL : reason;
}

static void write_all(int descriptor, const char *text, size_t length)
{
    while (length) {
        ssize_t written = write(descriptor, text, length);
        if (written < 0 && errno != EINTR)
            abort();
        if (written > 0) {
            text += written;
            length -= (size_t)written;
        }
    }
}

/* ---- an allocator hook: one JSON line a block, [size, [[file, line, function], ...]], oldest first ---- */

enum { DEEPEST = 400 };

static PyMemAllocatorEx original;
static int hook_descriptor;
static size_t hook_smallest;
static pthread_mutex_t hook_lock = PTHREAD_MUTEX_INITIALIZER;

static size_t quote(char *out, const char *text)
{
    size_t used = 0;
    out[used++] = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            out[used++] = '\\';
        out[used++] = *text;
    }
    out[used++] = '"';
    return used;
}

static void tell(size_t size)
{
    static struct alloctrace_frame frames[DEEPEST];
    static char line[DEEPEST * 800];
    struct alloctrace_stack stack;
    pthread_mutex_lock(&hook_lock);
    api.alloctrace_stack_collect(python, api.alloctrace_thread_state_borrow(python, 1), frames, DEEPEST, &stack);
    if (stack.count != stack.depth || stack.endless)
        abort();
    size_t used = (size_t)sprintf(line, "[%zu, [", size);
    for (uint32_t i = stack.count; i-- > 0;) {
        line[used++] = '[';
        used += quote(line + used, frames[i].filename);
        used += (size_t)sprintf(line + used, ", %d, ", frames[i].line);
        used += quote(line + used, frames[i].name);
        used += (size_t)sprintf(line + used, i ? "], " : "]");
    }
    used += (size_t)sprintf(line + used, "]]\n");
    write_all(hook_descriptor, line, used);
    pthread_mutex_unlock(&hook_lock);
}

static void *hooked_malloc(void *context, size_t size)
{
    if (size >= hook_smallest)
        tell(size);
    return original.malloc(context, size);
}

static void *hooked_calloc(void *context, size_t count, size_t size)
{
    if (count * size >= hook_smallest)
        tell(count * size);
    return original.calloc(context, count, size);
}

void probe_hook(int descriptor, size_t smallest)
{
    hook_descriptor = descriptor;
    hook_smallest = smallest;
    PyMem_GetAllocator(2, &original);
    PyMemAllocatorEx hooked = original;
    hooked.malloc = hooked_malloc;
    hooked.calloc = hooked_calloc;
    PyMem_SetAllocator(2, &hooked);
}

/* ---- a signal handler: what faulthandler writes in the same signal is compared with what this writes ---- */

static int their_descriptor, printed_descriptor, walked_descriptor, interruptions;
static unsigned shortest;
static timer_t timer;

static void again(void)
{
    static unsigned state = 12345;
    state = state * 1103515245u + 12345u;
    long ns = (long)(shortest * 1000u + (state >> 8) % (shortest * 1000u));
    struct itimerspec next = {.it_value = {.tv_nsec = ns}};
    timer_settime(timer, 0, &next, NULL);
}

static size_t decimal(char *out, unsigned value)
{
    char digits[12];
    size_t count = 0, used = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count)
        out[used++] = digits[--count];
    return used;
}

/* The four operations by hand, in the same form: complete frames only. */
static void write_walk(void)
{
    static char text[200 * 1024];
    static const char header[] = "Stack (most recent call first):\n";
    size_t used = sizeof header - 1;
    memcpy(text, header, used);
    uint32_t hops = ALLOCTRACE_MAX_HOPS;
    const void *frame = api.alloctrace_frame_innermost(careful, api.alloctrace_thread_state_borrow(careful, 0), &hops);
    for (unsigned i = 0; frame && i < 100; i++, frame = api.alloctrace_frame_caller(careful, frame, &hops)) {
        const void *code = api.alloctrace_frame_borrow_code(careful, frame);
        memcpy(text + used, "  File \"", 8);
        used += 8;
        used += api.alloctrace_code_filename(careful, code, text + used, 1024, NULL);
        memcpy(text + used, "\", line ", 8);
        used += 8;
        int line = api.alloctrace_frame_line(careful, frame);
        if (line >= 0) {
            used += decimal(text + used, (unsigned)line);
        } else {
            memcpy(text + used, "???", 3);
            used += 3;
        }
        memcpy(text + used, " in ", 4);
        used += 4;
        used += api.alloctrace_code_name(careful, code, text + used, 512, NULL);
        text[used++] = '\n';
    }
    if (hops == 0)
        abort();
    write_all(walked_descriptor, text, used);
}

static struct sigaction interpreters;

/* faulthandler's own walk may fault, which is to be told from ours. */
static sigjmp_buf out_of_fault;
static volatile bool is_theirs;

static void fault(int signal)
{
    (void)signal;
    if (!is_theirs)
        abort();
    siglongjmp(out_of_fault, 1);
}

static void interrupted(int signal)
{
    int saved = errno;
    errno = 4711;
    interruptions++;
    for (int i = 0; i < 3; i++) /* so that what belongs together is found together */
        write_all(i == 0 ? their_descriptor : i == 1 ? printed_descriptor : walked_descriptor, "----\n", 5);
    api.alloctrace_stack_print(careful, api.alloctrace_thread_state_borrow(careful, 0), printed_descriptor);
    if (errno != 4711)
        abort();
    write_walk();
    if (interpreters.sa_handler != SIG_DFL) {
        if (sigsetjmp(out_of_fault, 1) == 0) {
            is_theirs = true;
            interpreters.sa_handler(signal);
        } else
            write_all(their_descriptor, "fault", 5);
    }
    is_theirs = false;
    again();
    errno = saved;
}

/* Handles the signal, and then has it handled as before. One timer, which is set again when its signal was handled: never two at a
 * time, in whichever threads. */
int probe_interrupt(int signal, int theirs, int printed, int walked, unsigned shortest_us)
{
    struct sigaction action = {.sa_handler = interrupted, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
    struct sigaction on_fault = {.sa_handler = fault};
    sigfillset(&action.sa_mask);
    sigdelset(&action.sa_mask, SIGSEGV);
    sigaction(SIGSEGV, &on_fault, NULL);
    their_descriptor = theirs;
    printed_descriptor = printed;
    walked_descriptor = walked;
    shortest = shortest_us;
    return sigaction(signal, &action, &interpreters) || timer_create(CLOCK_MONOTONIC, &event, &timer);
}

int probe_begin_interrupting(void);
int probe_begin_interrupting(void)
{
    again();
    return 0;
}

void probe_end_interrupting(void);
void probe_end_interrupting(void)
{
    timer_delete(timer);
}

int probe_interruptions(void)
{
    return interruptions;
}

/* ---- threads of all kinds ---- */

static int answer, interpreters_descriptor;

static void *no_state(void *descriptor)
{
    struct alloctrace_stack stack;
    answer = api.alloctrace_thread_state_borrow(python, 0) == NULL && api.alloctrace_stack_collect(python, NULL, NULL, 0, &stack) == 0
             && stack.depth == 0;
    api.alloctrace_stacks_print(python, *(int *)descriptor);
    return NULL;
}

static void *no_frames(void *descriptor)
{
    int gil = PyGILState_Ensure();
    struct alloctrace_stack stack;
    const void *state = api.alloctrace_thread_state_borrow(python, 0);
    answer = state && api.alloctrace_stack_collect(python, state, NULL, 0, &stack) == 0 && stack.depth == 0;
    api.alloctrace_stack_print(python, state, *(int *)descriptor);
    void *dump = dlsym(RTLD_DEFAULT, "_Py_DumpTraceback"); /* to 3.12; later releases hide it, and 3.15 has it by a new name */
    if (!dump)
        dump = dlsym(RTLD_DEFAULT, "PyUnstable_DumpTraceback");
    if (dump)
        ((void (*)(int, const void *))dump)(interpreters_descriptor, state);
    PyGILState_Release(gil);
    return NULL;
}

static int in_a_thread(void *(*function)(void *), int descriptor)
{
    pthread_t thread;
    void *state = PyEval_SaveThread();
    if (pthread_create(&thread, NULL, function, &descriptor) == 0)
        pthread_join(thread, NULL);
    PyEval_RestoreThread(state);
    return answer;
}

int probe_thread_without_state(int descriptor)
{
    return in_a_thread(no_state, descriptor);
}

/* The interpreter's own print goes to the other descriptor, if it has a function for it. */
int probe_thread_without_frames(int descriptor, int interpreters_own)
{
    interpreters_descriptor = interpreters_own;
    return in_a_thread(no_frames, descriptor);
}

/* Prints the calling thread's stack while it does not hold the GIL. */
int probe_detached(int descriptor)
{
    void *state = PyEval_SaveThread();
    const void *own = api.alloctrace_thread_state_borrow(python, 0);
    api.alloctrace_stack_print(python, own, descriptor);
    PyEval_RestoreThread(state);
    return own == state;
}

const void *probe_state(void)
{
    return api.alloctrace_thread_state_borrow(python, 0);
}

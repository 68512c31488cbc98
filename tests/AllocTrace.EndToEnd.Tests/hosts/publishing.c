/* A server that embeds CPython, and publishes the span of each request as OTEP 4947 says. It logs each request.
 *
 *   publishing THREADS REQUESTS          prints "TRACE SPAN HANDLER BYTES" for each request
 *
 * With -DLIBRARY the same as a library for a Python program: publish, detach, publish_address. With -DLARGE=BYTES it has other
 * thread-local variables of that size, so that the loader gives each thread a block of its own for them. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EXPORTED __attribute__((visibility("default")))

struct record {
    uint8_t trace_id[16], span_id[8], valid, flags;
    uint16_t attributes_size;
} __attribute__((packed));

EXPORTED __thread struct record *otel_thread_ctx_v1;
#ifdef LARGE
EXPORTED __thread char large[LARGE];
#endif

static __thread struct record own;

#define FENCE() __atomic_signal_fence(__ATOMIC_SEQ_CST)

EXPORTED void publish_address(uintptr_t address)
{
    *(struct record *volatile *)&otel_thread_ctx_v1 = (struct record *)address;
}

/* The one way of the protocol: the pointer stays, and the record is invalid while it is written. */
EXPORTED void publish(const uint8_t *trace_id, const uint8_t *span_id)
{
    *(volatile uint8_t *)&own.valid = 0;
    FENCE();
    memcpy(own.trace_id, trace_id, sizeof own.trace_id);
    memcpy(own.span_id, span_id, sizeof own.span_id);
    FENCE();
    *(volatile uint8_t *)&own.valid = 1;
    publish_address((uintptr_t)&own);
}

EXPORTED void detach(void)
{
    *(volatile uint8_t *)&own.valid = 0;
}

#ifndef LIBRARY
/* CPython's, without its headers. */
typedef struct _object PyObject;
void Py_InitializeEx(int);
int Py_FinalizeEx(void);
PyObject *Py_CompileString(const char *, const char *, int);
PyObject *PyImport_ExecCodeModule(const char *, PyObject *);
PyObject *PyObject_CallMethod(PyObject *, const char *, const char *, ...);
void Py_DecRef(PyObject *);
int PyGILState_Ensure(void);
void PyGILState_Release(int);
void *PyEval_SaveThread(void);
void PyEval_RestoreThread(void *);
enum { FILE_INPUT = 257 };

/* Each line allocates one block. */
static const char program[] = "def handle_0(n): return b'x' * n\n"
                              "def handle_1(n): return b'x' * n\n"
                              "def handle_2(n): return b'x' * n\n"
                              "def idle(n): return b'x' * n\n";

enum { HANDLERS = 3, IDLE_BYTES = 300000 };
static int requests;
static PyObject *module;

static void call(const char *function, long bytes)
{
    PyObject *result = PyObject_CallMethod(module, function, "l", bytes);
    if (!result)
        abort();
    Py_DecRef(result);
}

static void fill(uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(1 + rand() % 255);
}

static void print(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%02x", bytes[i]);
    printf(" ");
}

/* The other way of the protocol: a record for each request, and the pointer is changed. */
static void attach(struct record *record, const uint8_t *trace_id, const uint8_t *span_id)
{
    memcpy(record->trace_id, trace_id, sizeof record->trace_id);
    memcpy(record->span_id, span_id, sizeof record->span_id);
    record->valid = 1;
    record->attributes_size = 0;
    FENCE();
    publish_address((uintptr_t)record);
}

static void *serve(void *number)
{
    long thread = (long)(intptr_t)number;
    for (int i = 0; i < requests; i++) {
        int state = PyGILState_Ensure();
        uint8_t trace_id[16], span_id[8];
        char handler[] = "handle_0";
        long bytes = 200000 + 1000 * thread + i;
        fill(trace_id, sizeof trace_id);
        fill(span_id, sizeof span_id);
        handler[sizeof handler - 2] = (char)('0' + i % HANDLERS);
        print(trace_id, sizeof trace_id);
        print(span_id, sizeof span_id);
        printf("%s %ld\n", handler, bytes);
        struct record *record = malloc(sizeof *record);
        if (thread % 2)
            publish(trace_id, span_id);
        else
            attach(record, trace_id, span_id);
        call(handler, bytes);
        if (thread % 2)
            detach();
        else
            publish_address(0);
        call("idle", IDLE_BYTES);
        free(record);
        PyGILState_Release(state);
    }
    return NULL;
}

/* Publishes what no publisher should. */
static void misbehave(void)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page + 4096, 4096, PROT_NONE);
    memset(page, 0xab, 4096);
    const uintptr_t addresses[] = {16, UINT64_C(0xdeadbeefdeadbeef), (uintptr_t)page, (uintptr_t)page + 4090, (uintptr_t)page + 5000};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        publish_address(addresses[i]);
        call("idle", IDLE_BYTES);
    }
    munmap(page, 8192);
    call("idle", IDLE_BYTES);
    publish_address(0);
}

int main(int count, char **arguments)
{
    if (count < 3)
        return 2;
    int threads = atoi(arguments[1]);
    requests = atoi(arguments[2]);
    Py_InitializeEx(0);
    PyObject *code = Py_CompileString(program, "/srv/handlers.py", FILE_INPUT);
    module = code ? PyImport_ExecCodeModule("handlers", code) : NULL;
    if (!module)
        return 1;
    void *main_state = PyEval_SaveThread();
    pthread_t thread[16];
    for (long i = 0; i < threads; i++)
        pthread_create(&thread[i], NULL, serve, (void *)(intptr_t)i);
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    PyEval_RestoreThread(main_state);
    misbehave();
    return Py_FinalizeEx() == 0 ? 0 : 1;
}
#endif

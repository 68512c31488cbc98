/* Threads that CPython did not start, and calls of the raw domain without the GIL. Loaded by the traced programs with ctypes; the functions
 * of CPython are found at load time. */
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void *PyMem_RawMalloc(size_t size);
void *PyMem_RawCalloc(size_t count, size_t size);
void *PyMem_RawRealloc(void *block, size_t size);
void PyMem_RawFree(void *block);
int PyGILState_Ensure(void);
void PyGILState_Release(int state);
int PyRun_SimpleString(const char *code);
void *PyThreadState_Get(void);
void *PyThreadState_Swap(void *state);
void *Py_NewInterpreter(void);
void Py_EndInterpreter(void *state);

int hammer(int rounds);
int come_and_go(int count);
int run_in_foreign_threads(int count, const char *code);
int run_in_new_interpreters(int count, const char *code);
int fork_and_leave(void);

/* ---- two threads that free each other's blocks, so that addresses change hands all the time ---- */

enum { PLACES = 8 };
static void *exchanged[PLACES];
static int rounds_each;

static void *exchange(void *seed)
{
    unsigned random = (unsigned)(size_t)seed;
    for (int i = 0; i < rounds_each; i++) {
        size_t size = (rand_r(&random) & 1) ? 24 : 200000; /* the second kind is mapped: the next thread gets the same address at once */
        void *block = (i & 7) == 0 ? PyMem_RawCalloc(1, size) : PyMem_RawMalloc(size);
        if ((i & 15) == 1)
            block = PyMem_RawRealloc(block, 2 * size);
        PyMem_RawFree(__atomic_exchange_n(&exchanged[rand_r(&random) % PLACES], block, __ATOMIC_ACQ_REL));
    }
    return NULL;
}

int hammer(int rounds)
{
    pthread_t threads[2];
    rounds_each = rounds;
    for (size_t i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, exchange, (void *)(i + 1)) != 0)
            return 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < PLACES; i++)
        PyMem_RawFree(__atomic_exchange_n(&exchanged[i], NULL, __ATOMIC_ACQ_REL));
    return 0;
}

/* ---- threads that come, allocate, and go ---- */

static void *allocate_a_little(void *kept)
{
    PyMem_RawFree(PyMem_RawMalloc(1000));
    *(void **)kept = PyMem_RawMalloc(100);
    return NULL;
}

int come_and_go(int count)
{
    for (int i = 0; i < count; i += 10) {
        pthread_t threads[10];
        void *kept[10];
        for (int j = 0; j < 10; j++)
            if (pthread_create(&threads[j], NULL, allocate_a_little, &kept[j]) != 0)
                return 1;
        for (int j = 0; j < 10; j++) {
            pthread_join(threads[j], NULL);
            PyMem_RawFree(kept[j]);
        }
    }
    return 0;
}

/* ---- threads of the host that run Python ---- */

static void *run(void *code)
{
    PyMem_RawFree(PyMem_RawMalloc(77777));
    int state = PyGILState_Ensure();
    int failed = PyRun_SimpleString(code);
    PyGILState_Release(state);
    return (void *)(size_t)(failed != 0);
}

int run_in_foreign_threads(int count, const char *code)
{
    int failed = 0;
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        void *result;
        if (pthread_create(&thread, NULL, run, (void *)code) != 0)
            return 1;
        pthread_join(thread, &result);
        failed += result != NULL;
    }
    return failed;
}

/* ---- threads of the host with an interpreter of their own ---- */

static void *run_in_new_interpreter(void *code)
{
    int state = PyGILState_Ensure();
    void *before = PyThreadState_Get(), *of_new = Py_NewInterpreter();
    int failed = of_new == NULL;
    if (of_new) {
        failed = PyRun_SimpleString(code);
        Py_EndInterpreter(of_new);
    }
    PyThreadState_Swap(before);
    PyGILState_Release(state);
    return (void *)(size_t)(failed != 0);
}

int run_in_new_interpreters(int count, const char *code)
{
    int failed = 0;
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        void *result;
        if (pthread_create(&thread, NULL, run_in_new_interpreter, (void *)code) != 0)
            return 1;
        pthread_join(thread, &result);
        failed += result != NULL;
    }
    return failed;
}

/* ---- a child of plain C that does nothing ---- */

int fork_and_leave(void)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return waitpid(child, &status, 0) != child || status != 0;
}

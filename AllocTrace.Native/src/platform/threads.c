#include "platform/threads.h"

#include <limits.h>

static pthread_key_t exit_key;
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;
static bool has_exit_key;

static void (*exit_function)(void *value);
static bool (*has_other_c_library)(void);

/* A C library in a namespace of its own (dlmopen) numbers its keys from 0 too; but the values of both are in the same place in the thread.
 * CPython keeps its thread state there: with one of the first numbers ours would be written over it. */
static void make_exit_key(void)
{
    enum { FIRST_OUT_OF_THE_WAY = 256 };
    void (*on_exit)(void *) = __atomic_load_n(&exit_function, __ATOMIC_RELAXED);
    has_exit_key = pthread_key_create(&exit_key, on_exit) == 0;
    if (!has_exit_key || !__atomic_load_n(&has_other_c_library, __ATOMIC_RELAXED)())
        return;
    pthread_key_t lower[FIRST_OUT_OF_THE_WAY];
    unsigned count = 0;
    while (has_exit_key && exit_key < FIRST_OUT_OF_THE_WAY && count < FIRST_OUT_OF_THE_WAY) {
        lower[count++] = exit_key;
        has_exit_key = pthread_key_create(&exit_key, on_exit) == 0;
    }
    while (count)
        pthread_key_delete(lower[--count]);
}

void thread_exit_begin(void (*on_exit)(void *value), bool (*shares_keys)(void))
{
    __atomic_store_n(&exit_function, on_exit, __ATOMIC_RELAXED);
    __atomic_store_n(&has_other_c_library, shares_keys, __ATOMIC_RELAXED);
    pthread_once(&exit_key_once, make_exit_key);
}

bool thread_exit_ask(void *value)
{
    return has_exit_key && pthread_setspecific(exit_key, value) == 0;
}

bool thread_exit_ask_again(void *value, uint32_t round)
{
    return round < PTHREAD_DESTRUCTOR_ITERATIONS - 1 && thread_exit_ask(value);
}

/* threads.h: what the library asks of POSIX threads: which one is running, and a call when it ends. The locks are in lock.h. */
#ifndef ALLOCTRACE_THREADS_H
#define ALLOCTRACE_THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Returns the calling thread's pthread_t: CPython's thread_id, and in glibc the address of the thread's descriptor. */
static inline uintptr_t os_pthread(void)
{
    return (uintptr_t)pthread_self();
}

/* Sets the function that is called when a thread ends. The first call decides for the whole process. shares_keys: whether the process has
 * another C library, which numbers its keys from 0 too. */
void thread_exit_begin(void (*on_exit)(void *value), bool (*shares_keys)(void));

/* Has on_exit called with the value when the calling thread ends; NULL: not called. May call calloc: glibc does for the values of higher
 * keys (pthread_setspecific.c). Returns false if it cannot be called. */
bool thread_exit_ask(void *value);

/* To be called by on_exit. Has it called once more, after other destructors, but not in the last round of them. round: how often it was
 * called, from 1. Returns false if this call was the last. */
bool thread_exit_ask_again(void *value, uint32_t round);

#endif

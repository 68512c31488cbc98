/* lock.h: the locks of the library, for what happens rarely: new stacks, new code, new threads, new slabs. Never taken on the common path.
 *
 * Held for microseconds, by threads that do nothing else meanwhile (no CPython, no malloc). They live in memory that a forked child finds
 * zeroed, so a child never inherits one locked. A thread that holds one is not cancelled (pthread_cancel), or the lock would stay locked
 * for ever: asynchronous cancellation is deferred, and the library has no cancellation points. (To disable cancellation is not enough:
 * glibc 2.36 looks at the type only, when the signal of an asynchronous one arrives.)
 */
#ifndef ALLOCTRACE_LOCK_H
#define ALLOCTRACE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "platform/os.h"

struct lock {
    uint32_t is_taken;
    int cancel_type; /* of the thread that holds it, before it did */
};

static inline bool lock_try(struct lock *lock)
{
    int before;
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &before);
    if (__atomic_exchange_n(&lock->is_taken, 1, __ATOMIC_ACQUIRE) == 0) {
        lock->cancel_type = before;
        return true;
    }
    pthread_setcanceltype(before, NULL);
    return false;
}

static inline void lock_acquire(struct lock *lock)
{
    for (unsigned spins = 0; !lock_try(lock); spins++)
        if (spins > 100)
            os_yield();
}

static inline void lock_release(struct lock *lock)
{
    int before = lock->cancel_type;
    __atomic_store_n(&lock->is_taken, 0, __ATOMIC_RELEASE);
    pthread_setcanceltype(before, NULL);
}

/* For the one thread of a forked child, whose parent held the lock: the child finds it free. cancel_type: that of the parent's lock. */
static inline void lock_forget_in_child(int cancel_type)
{
    pthread_setcanceltype(cancel_type, NULL);
}

#endif

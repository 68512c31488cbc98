/* lock.h: the one lock of the library, for what happens rarely: new stacks, new code, new threads, new slabs. Never taken on the common
 * path.
 *
 * Held for microseconds, by threads that do nothing else meanwhile (no CPython, no malloc). It lives in memory that a forked child finds
 * zeroed, so a child never inherits it locked.
 */
#ifndef ALLOCTRACE_LOCK_H
#define ALLOCTRACE_LOCK_H

#include <stdint.h>

#include "platform/os.h"

static inline void lock_acquire(uint32_t *lock)
{
    for (unsigned spins = 0; __atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) != 0; spins++)
        if (spins > 100)
            os_yield();
}

static inline void lock_release(uint32_t *lock)
{
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

#endif

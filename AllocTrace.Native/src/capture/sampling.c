#include "capture/sampling.h"

#include <string.h>

#include "capture/open_table.h"
#include "capture/recording.h"
#include "capture/records.h"
#include "capture/trace_context.h"

enum { SATURATED = 255 };

uint8_t sampling_filter[1 << SAMPLING_FILTER_BITS];
static uint64_t interval;

/* The recorded blocks that are alive. Under the lock. */
struct sampled_block {
    uintptr_t key; /* 0: empty */
    const struct thread_capture *thread;
    uint64_t allocation; /* the thread's count of allocations when it made the block */
};

static uint64_t home_of(uint64_t key)
{
    return key * UINT64_C(0xD6E8FEB86659FD93) >> 20;
}

static void store(uint64_t *slot, const uint64_t *values)
{
    alloctrace_assert(recording_is_locked() && values[0] != 0);
    memcpy(slot, values, sizeof(struct sampled_block));
}

static const struct open_kind kind = {
    .words = sizeof(struct sampled_block) / sizeof(uint64_t), .first_slots = 1024, .home = home_of, .store = store};
static struct open_table table;

/* ---- the distances ---- */

enum { POINT = 32 }; /* binary digits behind the point */

static const uint64_t ln2 = UINT64_C(2977044472); /* log(2) * 2^32 */

/* Natural logarithm of a number from 1 to 2 by the series of atanh((m - 1) / (m + 1)): the first term left out is below 2^-26. */
static uint64_t ln_of_mantissa(uint64_t mantissa)
{
    const uint64_t one = UINT64_C(1) << POINT;
    uint64_t t = ((mantissa - one) << (POINT - 1)) / ((mantissa + one) >> 1);
    uint64_t square = t * t >> POINT, power = t, sum = 0;
    for (unsigned odd = 1; odd <= 13; odd += 2) {
        sum += power / odd;
        power = power * square >> POINT;
    }
    return 2 * sum;
}

uint64_t sampling_exponential(uint64_t random)
{
    alloctrace_assert(random != 0);
    unsigned zeros = (unsigned)__builtin_clzll(random);
    uint64_t mantissa = random << zeros >> (63 - POINT); /* from 1 to 2 */
    return (zeros + 1) * ln2 - ln_of_mantissa(mantissa);
}

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled". */
static uint64_t next_random(struct sampler *sampler)
{
    uint64_t x = sampler->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    sampler->random = x;
    return x * UINT64_C(0x2545F4914F6CDD1D);
}

static void draw(struct sampler *sampler)
{
    uint64_t exponential = sampling_exponential(next_random(sampler) | 1);
    sampler->left = (uint64_t)((unsigned __int128)exponential * interval >> POINT) + 1; /* below 2^47: the interval is at most 2^40 */
}

void sampling_begin_thread(struct thread_capture *thread)
{
    thread->sampler = (struct sampler){0};
    if (!interval) {
        bool has_c_stacks = recording.options.native == ALLOCTRACE_NATIVE_STACKS;
        thread->sampler.usual = has_c_stacks ? 0 : (uint64_t)UINT32_MAX + 1;
        return;
    }
    os_random(&thread->sampler.random, sizeof thread->sampler.random);
    thread->sampler.random |= 1;
    draw(&thread->sampler);
}

/* ---- the blocks ---- */

void sampling_begin(uint64_t bytes)
{
    open_reset(&kind, &table);
    if (interval)
        memset(sampling_filter, 0, sizeof sampling_filter);
    interval = bytes;
}

ALWAYS_INLINE bool is_key(uint64_t first, const void *key)
{
    return first == *(const uintptr_t *)key;
}

ALWAYS_INLINE uint64_t *find_slot(uintptr_t key)
{
    uint64_t first;
    return open_find(&kind, table.slots, home_of(key), is_key, &key, &first);
}

static void count_in_filter(uintptr_t key, int change)
{
    uint8_t *counter = &sampling_filter[sampling_hash(key)];
    if (*counter != SATURATED)
        __atomic_store_n(counter, (uint8_t)(*counter + change), __ATOMIC_RELAXED);
}

static bool add(struct sampled_block block)
{
    recording_lock();
    bool has_room = open_make_room(&kind, &table);
    if (has_room) {
        uint64_t values[sizeof block / sizeof(uint64_t)];
        memcpy(values, &block, sizeof block);
        open_add(&kind, &table, values);
        count_in_filter(block.key, 1);
    }
    recording_unlock();
    return has_room;
}

bool sampling_take(struct thread_capture *thread, uintptr_t key)
{
    draw(&thread->sampler);
    thread->sampler.allocations++;
    if (!add((struct sampled_block){.key = key, .thread = thread, .allocation = thread->sampler.allocations}))
        return false;
    trace_context_record(thread);
    return true;
}

void sampling_put_back(uintptr_t key)
{
    if (interval)
        add((struct sampled_block){.key = key});
}

bool sampling_has(uintptr_t key)
{
    if (!sampling_may_have(key))
        return false;
    recording_lock();
    bool has = find_slot(key);
    recording_unlock();
    return has;
}

bool sampling_forget(uintptr_t key, struct thread_capture *thread)
{
    struct sampled_block found = {0};
    recording_lock();
    const uint64_t *slot = find_slot(key);
    if (slot) {
        memcpy(&found, slot, sizeof found);
        open_take_out(&kind, &table, slot);
        count_in_filter(key, -1);
    }
    recording_unlock();
    if (found.key && found.thread == thread)
        record_age(thread, thread->sampler.allocations - found.allocation);
    return found.key;
}

/* ---- fork ---- */

/* The child finds the lock free, but its one thread as the lock made it. */
static int cancel_type_before_fork;

void sampling_before_fork(void)
{
    if (!interval)
        return;
    recording_lock();
    cancel_type_before_fork = recording.fork_local->lock.cancel_type;
}

void sampling_after_fork_in_child(void)
{
    if (interval)
        lock_forget_in_child(cancel_type_before_fork);
}

void sampling_after_fork(void)
{
    if (interval)
        recording_unlock();
}

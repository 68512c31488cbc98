/* id_table.h: a hash table of numbers that name things kept elsewhere (nodes, strings, codes). Found without a lock, by any thread; added
 * under one. Nothing is ever removed.
 *
 * A slot is one word, hash << 32 | id.
 */
#ifndef ALLOCTRACE_ID_TABLE_H
#define ALLOCTRACE_ID_TABLE_H

#include "capture/open_table.h"

struct id_table {
    struct open_table table;
};

/* Returns true if the id names the key. */
typedef bool (*id_equals)(uint32_t id, const void *key);

struct id_wanted {
    uint32_t hash;
    id_equals equals;
    const void *key;
};

ALWAYS_INLINE bool id_is_wanted(uint64_t slot, const void *key)
{
    const struct id_wanted *wanted = key;
    return slot >> 32 == wanted->hash && wanted->equals((uint32_t)slot, wanted->key);
}

static inline uint64_t id_home(uint64_t slot)
{
    return slot >> 32;
}

static inline void id_store(uint64_t *slot, const uint64_t *values)
{
    __atomic_store_n(slot, values[0], __ATOMIC_RELEASE);
}

static const struct open_kind id_kind = {.words = 1, .first_slots = 1024, .has_lockless_readers = true, .home = id_home, .store = id_store};

/* Ids are not 0. Returns 0 when there is none. */
ALWAYS_INLINE uint32_t id_table_find(const struct id_table *table, uint32_t hash, id_equals equals, const void *key)
{
    struct id_wanted wanted = {hash, equals, key};
    uint64_t slot;
    open_find(&id_kind, __atomic_load_n(&table->table.slots, __ATOMIC_ACQUIRE), hash, id_is_wanted, &wanted, &slot);
    return (uint32_t)slot;
}

/* Under the lock, after id_table_find found nothing. False: no memory. */
bool id_table_add(struct id_table *table, uint32_t hash, uint32_t id);

/* Forgets everything. Only while no other thread can look. */
void id_table_reset(struct id_table *table);

static inline uint32_t hash_mix(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xD6E8FEB86659FD93);
    h ^= h >> 32;
    h = (h ^ b) * UINT64_C(0xC2B2AE3D27D4EB4F);
    h ^= h >> 29;
    h *= UINT64_C(0x165667B19E3779F9);
    return (uint32_t)(h >> 32);
}

uint64_t hash_bytes(const void *bytes, size_t length);

#endif

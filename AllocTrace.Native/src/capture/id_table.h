/* id_table.h: a hash table of numbers that name things kept elsewhere (nodes, strings, codes). Found without a lock, by any thread; added
 * under one. Nothing is ever removed.
 *
 * A slot is hash << 32 | id, 0 when empty. When the table is half full it is replaced by one twice as large; the old one stays mapped,
 * since a reader may still look at it (all old ones together are as large as the present one).
 */
#ifndef ALLOCTRACE_ID_TABLE_H
#define ALLOCTRACE_ID_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/compiler.h"

struct id_slots {
    uint64_t mask;
    uint64_t slot[];
};

struct id_table {
    struct id_slots *slots; /* NULL: empty */
    uint32_t count;
};

/* Returns true if the id names the key. */
typedef bool (*id_equals)(uint32_t id, const void *key);

/* Ids are not 0. Returns 0 when there is none. */
ALWAYS_INLINE uint32_t id_table_find(const struct id_table *table, uint32_t hash, id_equals equals, const void *key)
{
    const struct id_slots *slots = __atomic_load_n(&table->slots, __ATOMIC_ACQUIRE);
    if (!slots)
        return 0;
    for (uint64_t i = hash & slots->mask;; i = (i + 1) & slots->mask) {
        uint64_t slot = __atomic_load_n(&slots->slot[i], __ATOMIC_ACQUIRE);
        if (slot == 0)
            return 0;
        if (slot >> 32 == hash && equals((uint32_t)slot, key))
            return (uint32_t)slot;
    }
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

#include "capture/id_table.h"

#include <string.h>

#include "platform/assert.h"
#include "platform/os.h"

enum { FIRST_SLOTS = 1024 };

static size_t bytes_of(uint64_t slots)
{
    return sizeof(struct id_slots) + slots * sizeof(uint64_t);
}

static void insert(struct id_slots *slots, uint64_t slot)
{
    uint64_t i = slot >> 32 & slots->mask;
    while (slots->slot[i])
        i = (i + 1) & slots->mask;
    __atomic_store_n(&slots->slot[i], slot, __ATOMIC_RELEASE);
}

static bool grow(struct id_table *table)
{
    const struct id_slots *old = table->slots;
    uint64_t wanted = old ? (old->mask + 1) * 2 : FIRST_SLOTS;
    struct id_slots *slots = os_map(bytes_of(wanted));
    if (!slots)
        return false;
    slots->mask = wanted - 1;
    for (uint64_t i = 0; old && i <= old->mask; i++)
        if (old->slot[i])
            insert(slots, old->slot[i]);
    __atomic_store_n(&table->slots, slots, __ATOMIC_RELEASE);
    return true;
}

bool id_table_add(struct id_table *table, uint32_t hash, uint32_t id)
{
    alloctrace_assert(id != 0);
    if ((!table->slots || table->count * UINT64_C(2) > table->slots->mask) && !grow(table))
        return false;
    insert(table->slots, (uint64_t)hash << 32 | id);
    table->count++;
    return true;
}

void id_table_reset(struct id_table *table)
{
    if (table->slots)
        os_unmap(table->slots, bytes_of(table->slots->mask + 1));
    *table = (struct id_table){0};
}

uint64_t hash_bytes(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint64_t hash = UINT64_C(0x9E3779B97F4A7C15) ^ length;
    for (; length >= 8; at += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        hash = (hash ^ word) * UINT64_C(0xD6E8FEB86659FD93);
        hash ^= hash >> 32;
    }
    uint64_t rest = 0;
    memcpy(&rest, at, length);
    hash = (hash ^ rest) * UINT64_C(0xC2B2AE3D27D4EB4F);
    return hash ^ hash >> 29;
}

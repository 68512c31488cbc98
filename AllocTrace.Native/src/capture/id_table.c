#include "capture/id_table.h"

#include <string.h>

#include "platform/assert.h"

bool id_table_add(struct id_table *table, uint32_t hash, uint32_t id)
{
    alloctrace_assert(id != 0);
    if (!open_make_room(&id_kind, &table->table))
        return false;
    const uint64_t slot = (uint64_t)hash << 32 | id;
    open_add(&id_kind, &table->table, &slot);
    return true;
}

void id_table_reset(struct id_table *table)
{
    open_reset(&id_kind, &table->table);
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

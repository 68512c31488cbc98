/* open_table.h: open addressing with linear probing, as the tables of ids, of code objects and of sampled blocks have it.
 *
 * A slot is a few words. The first is 0 in an empty slot, and says where the slot belongs (its home). When a table is half full it is
 * replaced by one twice as large. A table's kind is a constant and everything here is inlined, so nothing that the kind says is decided
 * while the program runs.
 */
#ifndef ALLOCTRACE_OPEN_TABLE_H
#define ALLOCTRACE_OPEN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/compiler.h"
#include "platform/os.h"

struct open_slots {
    uint64_t mask;
    uint64_t word[];
};

struct open_table {
    struct open_slots *slots; /* NULL: empty */
    uint64_t count;
};

struct open_kind {
    unsigned words;                   /* of a slot */
    uint64_t first_slots;             /* a power of 2 */
    bool has_lockless_readers;        /* a table that was replaced stays mapped: all old ones are as large as the present one */
    uint64_t (*home)(uint64_t first); /* by the first word of a slot */
    void (*store)(uint64_t *slot, const uint64_t *values); /* as readers without the lock may see it */
};

/* Returns true if the first word of a slot belongs to the entry that is looked for. */
typedef bool (*open_equals)(uint64_t first, const void *key);

/* Returns the slot of which the first word equals the key, and that word in *first. NULL, and 0 in *first: there is none. Needs no lock if
 * the kind says so; then it may miss a slot that is being moved (open_take_out). */
ALWAYS_INLINE uint64_t *open_find(const struct open_kind *kind, struct open_slots *slots, uint64_t home, open_equals equals,
                                  const void *key, uint64_t *first)
{
    *first = 0;
    if (!slots)
        return NULL;
    for (uint64_t i = home & slots->mask;; i = (i + 1) & slots->mask) {
        uint64_t *slot = slots->word + i * kind->words;
        *first = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
        if (*first == 0)
            return NULL;
        if (equals(*first, key))
            return slot;
    }
}

ALWAYS_INLINE void open_insert(const struct open_kind *kind, struct open_slots *slots, const uint64_t *values)
{
    uint64_t i = kind->home(values[0]) & slots->mask;
    while (slots->word[i * kind->words])
        i = (i + 1) & slots->mask;
    kind->store(slots->word + i * kind->words, values);
}

ALWAYS_INLINE size_t open_bytes(const struct open_kind *kind, uint64_t slots)
{
    return sizeof(struct open_slots) + slots * kind->words * sizeof(uint64_t);
}

/* Makes room for one more. Under the lock. False: no memory. */
ALWAYS_INLINE bool open_make_room(const struct open_kind *kind, struct open_table *table)
{
    struct open_slots *old = table->slots;
    if (old && table->count * 2 <= old->mask)
        return true;
    uint64_t wanted = old ? (old->mask + 1) * 2 : kind->first_slots;
    struct open_slots *slots = os_map(open_bytes(kind, wanted));
    if (!slots)
        return false;
    slots->mask = wanted - 1;
    for (uint64_t i = 0; old && i <= old->mask; i++)
        if (old->word[i * kind->words])
            open_insert(kind, slots, old->word + i * kind->words);
    __atomic_store_n(&table->slots, slots, __ATOMIC_RELEASE);
    if (old && !kind->has_lockless_readers)
        os_unmap(old, open_bytes(kind, old->mask + 1));
    return true;
}

/* Adds what open_find did not find. Under the lock, after open_make_room. */
ALWAYS_INLINE void open_add(const struct open_kind *kind, struct open_table *table, const uint64_t *values)
{
    open_insert(kind, table->slots, values);
    table->count++;
}

/* Removes a slot, and closes the gap: each slot after it that belongs there or before moves up, and leaves a gap of its own. Under the
 * lock. */
ALWAYS_INLINE void open_take_out(const struct open_kind *kind, struct open_table *table, const uint64_t *slot)
{
    struct open_slots *slots = table->slots;
    uint64_t gap = (uint64_t)(slot - slots->word) / kind->words;
    for (uint64_t i = (gap + 1) & slots->mask; slots->word[i * kind->words]; i = (i + 1) & slots->mask) {
        uint64_t home = kind->home(slots->word[i * kind->words]) & slots->mask;
        if (((i - home) & slots->mask) >= ((i - gap) & slots->mask)) {
            kind->store(slots->word + gap * kind->words, slots->word + i * kind->words);
            gap = i;
        }
    }
    __atomic_store_n(&slots->word[gap * kind->words], 0, __ATOMIC_RELEASE);
    table->count--;
}

/* Forgets everything. Only while no other thread can look. */
ALWAYS_INLINE void open_reset(const struct open_kind *kind, struct open_table *table)
{
    if (table->slots)
        os_unmap(table->slots, open_bytes(kind, table->slots->mask + 1));
    *table = (struct open_table){0};
}

#endif

#include "capture/code_cache.h"

#include <string.h>

#include "capture/intern.h"
#include "capture/recording.h"
#include "capture/thread.h"
#include "python/line_table.h"
#include "python/memory.h"

enum {
    FIRST_SLOTS = 512,
    INFOS_PER_CHUNK = 512,
    MOVING = 1, /* an address that no code has */
};

_Static_assert(NARROW_BIAS == 0x2000, "code_line knows it");

struct code_cache code_cache;
struct code_filter code_filter = {.pool = {[0] = 1}}; /* where NULL is: a free of nothing is found by the same look */
static struct code_info *unused;

/* Without the lock it may miss an entry that is being moved: ask again under the lock before believing a NULL. */
static struct code_info *find(uintptr_t code)
{
    const struct code_slots *slots = __atomic_load_n(&code_cache.slots, __ATOMIC_ACQUIRE);
    if (!slots)
        return NULL;
    for (uint64_t i = code_hash(code) & slots->mask;; i = (i + 1) & slots->mask) {
        uintptr_t address = __atomic_load_n(&slots->slot[i].address, __ATOMIC_ACQUIRE);
        if (address == 0)
            return NULL;
        if (address == code) {
            struct code_info *info = __atomic_load_n(&slots->slot[i].info, __ATOMIC_ACQUIRE);
            return __atomic_load_n(&slots->slot[i].address, __ATOMIC_ACQUIRE) == code ? info : NULL;
        }
    }
}

static void fill(struct code_slot *slot, uintptr_t address, struct code_info *info)
{
    __atomic_store_n(&slot->address, (uintptr_t)MOVING, __ATOMIC_RELEASE);
    __atomic_store_n(&slot->info, info, __ATOMIC_RELEASE);
    __atomic_store_n(&slot->address, address, __ATOMIC_RELEASE);
}

static void insert(struct code_slots *slots, uintptr_t address, struct code_info *info)
{
    alloctrace_assert(recording_is_locked() && address > MOVING);
    uint64_t i = code_hash(address) & slots->mask;
    while (slots->slot[i].address)
        i = (i + 1) & slots->mask;
    fill(&slots->slot[i], address, info);
}

/* Closes the gap: each entry after it that hashes to the gap or before moves up, and leaves a gap of its own. */
static void take_out(struct code_slots *slots, uint64_t gap)
{
    for (uint64_t i = (gap + 1) & slots->mask; slots->slot[i].address; i = (i + 1) & slots->mask) {
        uint64_t home = code_hash(slots->slot[i].address) & slots->mask;
        if (((i - home) & slots->mask) >= ((i - gap) & slots->mask)) {
            fill(&slots->slot[gap], slots->slot[i].address, slots->slot[i].info);
            gap = i;
        }
    }
    __atomic_store_n(&slots->slot[gap].address, (uintptr_t)0, __ATOMIC_RELEASE);
}

static size_t bytes_of(uint64_t slots)
{
    return sizeof(struct code_slots) + slots * sizeof(struct code_slot);
}

/* The old table stays mapped for its readers; all old ones together are as large as the present one. */
static bool grow(void)
{
    struct code_slots *old = code_cache.slots;
    uint64_t wanted = old ? (old->mask + 1) * 2 : FIRST_SLOTS;
    struct code_slots *slots = os_map(bytes_of(wanted));
    if (!slots)
        return false;
    slots->mask = wanted - 1;
    for (uint64_t i = 0; old && i <= old->mask; i++)
        if (old->slot[i].address)
            insert(slots, old->slot[i].address, old->slot[i].info);
    __atomic_store_n(&code_cache.slots, slots, __ATOMIC_RELEASE);
    return true;
}

static struct code_info *new_info(void)
{
    if (!unused) {
        struct code_info *chunk = os_map(INFOS_PER_CHUNK * sizeof *chunk);
        if (!chunk)
            return NULL;
        for (int i = 0; i < INFOS_PER_CHUNK; i++) {
            chunk[i].next_unused = unused;
            unused = &chunk[i];
        }
    }
    struct code_info *info = unused;
    unused = info->next_unused;
    return info;
}

static bool describe(struct code_info *info, const struct python_runtime *python, uintptr_t code)
{
    const struct layout *layout = python->layout;
    const struct code_lines *lines;
    uint32_t number = intern_code(python, code, &lines);
    if (number == INTERN_NO_CODE)
        return false;
    *info = (struct code_info){
        .bytecode = layout->position_kind == POSITION_POINTER ? code + layout->code.bytecode : 0,
        .number = number,
        .first_line = read_int(code, layout->code.first_line),
        .first_traceable = layout->code.first_traceable ? 2 * read_int(code, layout->code.first_traceable) : 0,
        .narrow = lines->wide ? NULL : lines->lines,
        .wide = lines->wide ? lines->lines : NULL,
        .expressions = lines->expressions,
        .marks = lines->marks,
        .is_prepared = lines->is_prepared,
        .address = code,
        .line_table = read_pointer(code, layout->code.line_table),
    };
    /* Last: without the GIL another thread may be looking at what it remembered of a code that died here. It finds no position within. */
    __atomic_store_n(&info->bytecode_bytes, lines->units * 2, __ATOMIC_RELEASE);
    return true;
}

static struct code_info *add(const struct python_runtime *python, uintptr_t code)
{
    if ((!code_cache.slots || code_cache.live * UINT64_C(2) > code_cache.slots->mask) && !grow())
        return NULL;
    struct code_info *info = new_info();
    if (!info)
        return NULL;
    if (!describe(info, python, code)) {
        info->next_unused = unused;
        unused = info;
        return NULL;
    }
    __atomic_fetch_or(&code_filter.block[code >> 10 & 1023], UINT64_C(1) << (code >> 4 & 63), __ATOMIC_RELAXED);
    __atomic_store_n(&code_filter.pool[code >> 14 & 0xFFFF], 1, __ATOMIC_RELAXED);
    insert(code_cache.slots, code, info);
    code_cache.live++;
    return info;
}

static void drop(uintptr_t code)
{
    alloctrace_assert(recording_is_locked());
    struct code_slots *slots = code_cache.slots;
    uint64_t i = code_hash(code) & slots->mask;
    while (slots->slot[i].address && slots->slot[i].address != code)
        i = (i + 1) & slots->mask;
    if (!slots->slot[i].address)
        return;
    __atomic_store_n(&slots->slot[i].info->bytecode_bytes, 0, __ATOMIC_RELEASE);
    slots->slot[i].info->next_unused = unused;
    unused = slots->slot[i].info;
    take_out(slots, i);
    code_cache.live--;
    uint32_t next = code_cache.epoch + 1;
    __atomic_store_n(&code_cache.epoch, next == CODE_EPOCH_DEEP ? 0 : next, __ATOMIC_RELEASE);
    thread_change_ready();
}

const struct code_info *code_cache_get(const struct python_runtime *python, uintptr_t code)
{
    struct code_info *info = find(code);
    uintptr_t line_table = read_pointer(code, python->layout->code.line_table);
    if (info && info->line_table == line_table)
        return info;
    recording_lock();
    info = find(code); /* another thread may have been first */
    if (info && info->line_table != line_table) {
        drop(code);
        info = NULL;
    }
    if (!info)
        info = add(python, code);
    recording_unlock();
    return info;
}

uint32_t code_line_slow(const struct layout *layout, const struct code_info *info, uint32_t offset)
{
    int32_t line;
    if (info->wide)
        return info->wide[offset / 2] > 0 ? (uint32_t)info->wide[offset / 2] : 0;
    line_table_decode(layout->line_format, (const uint8_t *)info->line_table + layout->object.bytes_data,
                      (size_t)read_size(info->line_table, layout->object.size), info->first_line, offset / 2, 1, &line);
    return line > 0 ? (uint32_t)line : 0;
}

/* Several threads may run this at the same time, with the same result. */
static void prepare(struct code_info *info, const uint8_t *table, size_t length)
{
    recording_lock();
    const struct code_lines *lines = intern_prepare_expressions(info->number, table, length);
    recording_unlock();
    __atomic_store_n(&info->marks, lines->marks, __ATOMIC_RELAXED);
    __atomic_store_n(&info->expressions, lines->expressions, __ATOMIC_RELEASE);
    __atomic_store_n(&info->is_prepared, true, __ATOMIC_RELEASE);
}

uint32_t code_expression_slow(const struct layout *layout, const struct code_info *info, intptr_t offset)
{
    if (offset < 0)
        return ALLOCTRACE_NO_EXPRESSION;
    const uint8_t *table = (const uint8_t *)info->line_table + layout->object.bytes_data;
    size_t length = (size_t)read_size(info->line_table, layout->object.size), unit = (size_t)offset / 2;
    if ((uintptr_t)offset >= info->bytecode_bytes)
        return line_table_expression(layout->line_format, table, length, NULL, unit);
    if (!__atomic_load_n(&info->is_prepared, __ATOMIC_ACQUIRE))
        prepare((struct code_info *)info, table, length);
    uint32_t expression = line_table_expression(layout->line_format, table, length, info->marks, unit);
    if (info->expressions)
        __atomic_store_n(&info->expressions[unit], expression == ALLOCTRACE_NO_EXPRESSION ? CODE_NO_EXPRESSION : expression,
                         __ATOMIC_RELAXED);
    return expression;
}

void code_cache_drop(const void *block)
{
    if (!recording.fork_local->owned)
        return; /* a forked child: what is cached is its parent's, and is given up before the child's first walk */
    recording_lock();
    if (code_cache.slots)
        drop((uintptr_t)block);
    recording_unlock();
}

void code_cache_drop_all(void)
{
    recording_lock();
    struct code_slots *slots = code_cache.slots;
    for (uint64_t i = 0; slots && i <= slots->mask; i++)
        while (slots->slot[i].address)
            drop(slots->slot[i].address);
    recording_unlock();
}

void code_cache_reset(void)
{
    for (uint64_t i = 0; code_cache.slots && i <= code_cache.slots->mask; i++)
        if (code_cache.slots->slot[i].address) {
            code_cache.slots->slot[i].info->next_unused = unused;
            unused = code_cache.slots->slot[i].info;
        }
    if (code_cache.slots)
        os_unmap(code_cache.slots, bytes_of(code_cache.slots->mask + 1));
    code_cache = (struct code_cache){0};
    memset(&code_filter, 0, sizeof code_filter);
    code_filter.pool[0] = 1;
}

#include "capture/code_cache.h"

#include <string.h>

#include "capture/intern.h"
#include "capture/recording.h"
#include "capture/thread.h"
#include "python/line_table.h"
#include "python/memory.h"

enum {
    INFOS_PER_CHUNK = 512,
    MOVING = 1, /* an address that no code has */
};

_Static_assert(NARROW_BIAS == 0x2000, "code_line knows it");

struct code_cache code_cache;
struct code_filter code_filter = {.pool = {[0] = 1}}; /* where NULL is: a free of nothing is found by the same look */
static struct code_info *unused;

static uint64_t home_of(uint64_t address)
{
    return address >> 5;
}

static void fill(uint64_t *slot, const uint64_t *values)
{
    alloctrace_assert(recording_is_locked() && values[0] > MOVING);
    __atomic_store_n(&slot[0], MOVING, __ATOMIC_RELEASE);
    __atomic_store_n(&slot[1], values[1], __ATOMIC_RELEASE);
    __atomic_store_n(&slot[0], values[0], __ATOMIC_RELEASE);
}

static const struct open_kind kind = {.words = 2, .first_slots = 512, .has_lockless_readers = true, .home = home_of, .store = fill};

ALWAYS_INLINE bool is_address(uint64_t first, const void *address)
{
    return first == *(const uintptr_t *)address;
}

ALWAYS_INLINE uint64_t *find_slot(uintptr_t code)
{
    uint64_t first;
    return open_find(&kind, __atomic_load_n(&code_cache.live.slots, __ATOMIC_ACQUIRE), home_of(code), is_address, &code, &first);
}

static struct code_info *info_in(const uint64_t *slot)
{
    return (struct code_info *)(uintptr_t)__atomic_load_n(&slot[1], __ATOMIC_ACQUIRE);
}

/* Without the lock it may miss an entry that is being moved: ask again under the lock before believing a NULL. */
static struct code_info *find(uintptr_t code)
{
    const uint64_t *slot = find_slot(code);
    struct code_info *info = slot ? info_in(slot) : NULL;
    return slot && __atomic_load_n(&slot[0], __ATOMIC_ACQUIRE) == code ? info : NULL;
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
    if (!open_make_room(&kind, &code_cache.live))
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
    open_add(&kind, &code_cache.live, (const uint64_t[]){code, (uintptr_t)info});
    return info;
}

static void drop(uintptr_t code)
{
    alloctrace_assert(recording_is_locked());
    const uint64_t *slot = find_slot(code);
    if (!slot)
        return;
    struct code_info *info = info_in(slot);
    __atomic_store_n(&info->bytecode_bytes, 0, __ATOMIC_RELEASE);
    info->next_unused = unused;
    unused = info;
    open_take_out(&kind, &code_cache.live, slot);
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
    drop((uintptr_t)block);
    recording_unlock();
}

void code_cache_drop_all(void)
{
    recording_lock();
    struct open_slots *slots = code_cache.live.slots;
    for (uint64_t i = 0; slots && i <= slots->mask; i++)
        while (slots->word[i * kind.words])
            drop(slots->word[i * kind.words]);
    recording_unlock();
}

void code_cache_reset(void)
{
    const struct open_slots *slots = code_cache.live.slots;
    for (uint64_t i = 0; slots && i <= slots->mask; i++)
        if (slots->word[i * kind.words]) {
            struct code_info *info = info_in(&slots->word[i * kind.words]);
            info->next_unused = unused;
            unused = info;
        }
    open_reset(&kind, &code_cache.live);
    code_cache = (struct code_cache){0};
    memset(&code_filter, 0, sizeof code_filter);
    code_filter.pool[0] = 1;
}

#include "capture/intern.h"

#include <string.h>

#include "capture/recording.h"
#include "python/line_table.h"
#include "python/memory.h"
#include "python/text.h"

struct id_table intern_nodes;
static struct id_table codes, strings; /* ids are numbers and references plus one */

/* ---- stacks ---- */

/* For a node there are up to four times its bytes in the tables of this process, and more in the collector: an eighth of the limit. */
static bool may_have_more_nodes(void)
{
    enum { SHARE = 8, LEAST_EXTENTS = 4 };
    uint64_t most = session.header->limit_bytes / SHARE / ALLOCTRACE_EXTENT_BYTES;
    return session.extents_of[ALLOCTRACE_EXTENT_NODES] < (most < LEAST_EXTENTS ? LEAST_EXTENTS : most);
}

static uint32_t add_node(struct node_key key, uint32_t hash)
{
    alloctrace_assert(recording_is_locked());
    uint32_t node = session.header->nodes;
    bool is_there = node / PER_EXTENT(struct alloctrace_node) < session.extents_of[ALLOCTRACE_EXTENT_NODES];
    if (!is_there && (!may_have_more_nodes() || !session_grow(ALLOCTRACE_EXTENT_NODES)))
        return 0;
    *session_node(node) = (struct alloctrace_node){.parent = key.parent, .code = key.code, .line = key.line};
    if (!id_table_add(&intern_nodes, hash, node))
        return 0;
    SHARED_STORE(session.header->nodes, node + 1);
    return node;
}

uint32_t intern_new_node(struct node_key key)
{
    if (key.parent == ALLOCTRACE_NODE_DROPPED)
        return ALLOCTRACE_NODE_DROPPED;
    uint32_t hash = node_hash(key);
    recording_lock();
    uint32_t node = id_table_find(&intern_nodes, hash, node_equals, &key); /* another thread may have been first */
    if (!node)
        node = add_node(key, hash);
    recording_unlock();
    return node ? node : ALLOCTRACE_NODE_DROPPED;
}

uint32_t intern_interpreter(uint32_t id)
{
    if (id == 0)
        return ALLOCTRACE_NODE_NONE;
    struct node_key key = {ALLOCTRACE_NODE_NONE, ALLOCTRACE_CODE_INTERPRETER, id};
    uint32_t hash = node_hash(key);
    recording_lock();
    uint32_t node = id_table_find(&intern_nodes, hash, node_equals, &key);
    if (!node && (node = add_node(key, hash)) != 0)
        SHARED_STORE(session.header->interpreters, session.header->interpreters + 1);
    recording_unlock();
    return node ? node : ALLOCTRACE_NODE_DROPPED;
}

uint32_t intern_entry(uint32_t parent)
{
    struct node_key key = {parent, ALLOCTRACE_CODE_ENTRY, 0};
    uint32_t node = intern_find_node(key);
    return node ? node : intern_new_node(key);
}

/* ---- text ---- */

struct text_key {
    const char *text;
    uint32_t length;
};

static bool text_equals(uint32_t id, const void *key)
{
    const struct text_key *wanted = key;
    uint32_t length;
    const char *text = session_string_text(id - 1, &length);
    return length == wanted->length && memcmp(text, wanted->text, length) == 0;
}

enum { NO_TEXT = UINT32_MAX };

/* NO_TEXT when there is no room. */
static uint32_t intern_text(const struct python_runtime *python, uintptr_t object)
{
    char *room = session_string_room();
    if (!room)
        return NO_TEXT;
    struct text_key key = {room, (uint32_t)text_write(python, object, room, ALLOCTRACE_MAX_STRING_BYTES)};
    uint32_t hash = (uint32_t)hash_bytes(room, key.length);
    uint32_t known = id_table_find(&strings, hash, text_equals, &key);
    if (known)
        return known - 1;
    uint32_t reference = session_string_commit(key.length);
    id_table_add(&strings, hash, reference + 1);
    return reference;
}

/* ---- code ---- */

/* Lines take as much as the bytecode, and marks an eighth of it. Expressions take twice as much: those of the code beyond the limit are
 * found by its marks each time. */
enum {
    LINES_CHUNK = 1 << 18,
    EXPRESSIONS_LIMIT = 32 << 20, /* bytes */
};

static struct code_lines *code_lines[ALLOCTRACE_MAX_EXTENTS];

/* Decoded lines and expressions: chunks that are filled one after the other and only released together. */
struct chunk {
    struct chunk *older;
    size_t size;
};

static struct {
    struct chunk *newest;
    uint8_t *at, *end;
    size_t expressions; /* bytes of them */
} arena;

static struct code_lines *lines_of(uint32_t code)
{
    const uint32_t per_extent = PER_EXTENT(struct alloctrace_code);
    struct code_lines **extent = &code_lines[code / per_extent];
    if (!*extent)
        *extent = os_map(per_extent * sizeof **extent);
    return *extent ? *extent + code % per_extent : NULL;
}

static void *arena_room(size_t size)
{
    if ((size_t)(arena.end - arena.at) < size) {
        size_t wanted = (sizeof(struct chunk) + size + 4095) & ~(size_t)4095;
        size_t chunk_size = wanted > LINES_CHUNK ? wanted : LINES_CHUNK;
        struct chunk *chunk = os_map(chunk_size);
        if (!chunk)
            return NULL;
        *chunk = (struct chunk){.older = arena.newest, .size = chunk_size};
        arena.newest = chunk;
        arena.at = (uint8_t *)(chunk + 1);
        arena.end = (uint8_t *)chunk + chunk_size;
    }
    return arena.at;
}

static void arena_reset(void)
{
    while (arena.newest) {
        struct chunk *chunk = arena.newest;
        arena.newest = chunk->older;
        os_unmap(chunk, chunk->size);
    }
    arena.at = arena.end = NULL;
    arena.expressions = 0;
}

static bool narrow(const int32_t *lines, uint32_t units, int32_t first_line)
{
    for (uint32_t i = 0; i < units; i++)
        if (lines[i] && (lines[i] - first_line <= -NARROW_BIAS || lines[i] - first_line >= UINT16_MAX - NARROW_BIAS))
            return false;
    return true;
}

/* Decodes in place: wide first, then narrowed into the front of the same room. */
static void keep_lines(const struct layout *layout, struct code_lines *result, const uint8_t *table, size_t length, int32_t first_line)
{
    int32_t *wide = arena_room(result->units * sizeof *wide);
    if (!wide)
        return;
    line_table_decode(layout->line_format, table, length, first_line, 0, result->units, wide);
    result->wide = !narrow(wide, result->units, first_line);
    if (!result->wide)
        for (uint32_t i = 0; i < result->units; i++)
            ((uint16_t *)wide)[i] = (uint16_t)(wide[i] ? wide[i] - first_line + NARROW_BIAS : 0);
    result->lines = wide;
    arena.at += ((result->wide ? sizeof(int32_t) : sizeof(uint16_t)) * result->units + 7) & ~(size_t)7;
}

static void *arena_take(size_t size)
{
    void *room = arena_room(size);
    if (room)
        arena.at += (size + 7) & ~(size_t)7;
    return room;
}

const struct code_lines *intern_prepare_expressions(uint32_t code, const uint8_t *table, size_t length)
{
    alloctrace_assert(recording_is_locked());
    struct code_lines *lines = lines_of(code);
    if (lines->is_prepared)
        return lines;
    lines->is_prepared = true;
    if (lines->units > LINE_MARK_UNITS && (lines->marks = arena_take(line_table_mark_count(lines->units) * sizeof *lines->marks)) != NULL)
        line_table_mark(table, length, lines->units, lines->marks);
    size_t size = lines->units * sizeof *lines->expressions;
    if (arena.expressions + size <= EXPRESSIONS_LIMIT && (lines->expressions = arena_take(size)) != NULL) {
        memset(lines->expressions, 0, size); /* lines were decoded here before they were narrowed */
        arena.expressions += size;
    }
    return lines;
}

struct code_key {
    struct alloctrace_code code;
    uint64_t line_table_hash;
    uint32_t units;
};

static bool code_equals(uint32_t id, const void *key)
{
    const struct code_key *wanted = key;
    const struct code_lines *lines = lines_of(id - 1);
    return lines->line_table_hash == wanted->line_table_hash && lines->units == wanted->units
           && memcmp(session_code(id - 1), &wanted->code, sizeof wanted->code) == 0;
}

/* Bytecode's size in two-byte units: to 3.10 that of the bytes object co_code, then that of the code object itself. */
static uint32_t code_units(const struct layout *layout, uintptr_t code)
{
    intptr_t size = layout->position_kind == POSITION_INDEX ? read_size(read_pointer(code, layout->code.bytecode), layout->object.size) / 2
                                                            : read_size(code, layout->object.size);
    return size > 0 && size < INT32_MAX / 4 ? (uint32_t)size : 0;
}

uint32_t intern_code(const struct python_runtime *python, uintptr_t code, const struct code_lines **lines)
{
    alloctrace_assert(recording_is_locked());
    const struct layout *layout = python->layout;
    uintptr_t table = read_pointer(code, layout->code.line_table);
    size_t table_length = (size_t)read_size(table, layout->object.size);
    const uint8_t *table_bytes = (const uint8_t *)table + layout->object.bytes_data;

    struct code_key key = {.units = code_units(layout, code),
                           .line_table_hash = hash_mix(hash_bytes(table_bytes, table_length), layout->line_format)};
    key.code.filename = intern_text(python, read_pointer(code, layout->code.filename));
    key.code.name = intern_text(python, read_pointer(code, layout->code.name));
    key.code.qualname = layout->code.qualname ? intern_text(python, read_pointer(code, layout->code.qualname)) : key.code.name;
    key.code.first_line = read_uint(code, layout->code.first_line);
    if (key.code.filename == NO_TEXT || key.code.name == NO_TEXT || key.code.qualname == NO_TEXT)
        return INTERN_NO_CODE;

    uint32_t hash = hash_mix(hash_bytes(&key.code, sizeof key.code), key.line_table_hash);
    uint32_t known = id_table_find(&codes, hash, code_equals, &key);
    if (known) {
        *lines = lines_of(known - 1);
        return known - 1;
    }
    uint32_t number = session.header->codes;
    if (number / PER_EXTENT(struct alloctrace_code) >= session.extents_of[ALLOCTRACE_EXTENT_CODES]
        && !session_grow(ALLOCTRACE_EXTENT_CODES))
        return INTERN_NO_CODE;
    struct code_lines *kept = lines_of(number);
    if (!kept)
        return INTERN_NO_CODE;
    *session_code(number) = key.code;
    *kept = (struct code_lines){.line_table_hash = key.line_table_hash, .units = key.units};
    keep_lines(layout, kept, table_bytes, table_length, (int32_t)key.code.first_line);
    SHARED_STORE(session.header->codes, number + 1);
    id_table_add(&codes, hash, number + 1);
    *lines = kept;
    return number;
}

void intern_reset(void)
{
    id_table_reset(&intern_nodes);
    id_table_reset(&codes);
    id_table_reset(&strings);
    for (uint32_t i = 0; i < ALLOCTRACE_MAX_EXTENTS && code_lines[i]; i++) {
        os_unmap(code_lines[i], PER_EXTENT(struct alloctrace_code) * sizeof **code_lines);
        code_lines[i] = NULL;
    }
    arena_reset();
}

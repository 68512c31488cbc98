#include "python/line_table.h"

#include <stdbool.h>

#include "alloctrace/wire.h"

/* The units that are wanted, and how far the table was followed. */
struct output {
    int32_t *lines;
    size_t first, end, unit;
    int32_t none; /* what stands for "no line" */
};

/* The units from where the output is up to (not including) end have this line. */
static void advance(struct output *output, size_t end, int32_t line)
{
    size_t from = output->unit > output->first ? output->unit : output->first;
    size_t to = end < output->end ? end : output->end;
    for (size_t unit = from; unit < to; unit++)
        output->lines[unit - output->first] = line;
    if (end > output->unit)
        output->unit = end;
}

static void finish(struct output *output, int32_t line)
{
    advance(output, output->end, line);
}

/* Pairs (bytes forward, lines forward): a line holds until the sum of bytes exceeds the address. Objects/lnotab_notes.txt, 3.8 */
static void decode_lnotab(const uint8_t *table, size_t length, int32_t line, struct output *output)
{
    size_t address = 0;
    for (size_t i = 0; i + 1 < length; i += 2) {
        address += table[i];
        advance(output, address / 2, line);
        line += (int8_t)table[i + 1];
    }
    finish(output, line);
}

/* Pairs (bytes of the range, line of the range minus the last line), −128: a range without a line. Objects/lnotab_notes.txt, 3.10 */
static void decode_linetable(const uint8_t *table, size_t length, int32_t line, struct output *output)
{
    size_t address = 0;
    for (size_t i = 0; i + 1 < length; i += 2) {
        int8_t delta = (int8_t)table[i + 1];
        address += table[i];
        if (delta != -128)
            line += delta;
        advance(output, address / 2, delta == -128 ? output->none : line);
    }
    finish(output, output->none);
}

struct cursor {
    const uint8_t *at, *end;
};

static uint32_t read_varint(struct cursor *cursor)
{
    uint32_t value = 0;
    for (unsigned shift = 0; cursor->at < cursor->end; shift += 6) {
        uint8_t byte = *cursor->at++;
        if (shift < 32)
            value |= (uint32_t)(byte & 63) << shift;
        if (!(byte & 64))
            break;
    }
    return value;
}

static int32_t read_signed_varint(struct cursor *cursor)
{
    uint32_t value = read_varint(cursor);
    return (int32_t)(value & 1 ? 0u - (value >> 1) : value >> 1);
}

static uint32_t read_byte(struct cursor *cursor)
{
    return cursor->at < cursor->end ? *cursor->at++ : 0;
}

/* An entry of the table from 3.11 on (InternalDocs/code_objects.md): a first byte (code << 3 | units - 1), then data by the code. */
struct location {
    size_t units;
    int32_t line_delta;
    bool has_line;
    bool has_columns;
    uint32_t column, end_column; /* from 0 */
    uint32_t end_line_delta;
};

static struct location read_location(struct cursor *cursor)
{
    enum { ONE_LINE = 10, NO_COLUMNS = 13, LONG_FORM = 14, NO_LOCATION = 15 };
    uint8_t first = *cursor->at++;
    unsigned code = (first >> 3) & 15;
    struct location location = {.units = (first & 7u) + 1, .has_line = code != NO_LOCATION};
    if (code == LONG_FORM) {
        location.line_delta = read_signed_varint(cursor);
        location.end_line_delta = read_varint(cursor);
        uint32_t column = read_varint(cursor), end_column = read_varint(cursor); /* plus 1; 0: none */
        location.has_columns = column && end_column;
        location.column = column - 1;
        location.end_column = end_column - 1;
    } else if (code == NO_COLUMNS) {
        location.line_delta = read_signed_varint(cursor);
    } else if (code >= ONE_LINE && code < NO_COLUMNS) {
        location.line_delta = (int32_t)(code - ONE_LINE);
        location.column = read_byte(cursor);
        location.end_column = read_byte(cursor);
        location.has_columns = true;
    } else if (code < ONE_LINE) {
        uint32_t low = read_byte(cursor);
        location.column = code << 3 | low >> 4;
        location.end_column = location.column + (low & 15);
        location.has_columns = true;
    }
    return location;
}

/* The first byte of an entry is the only one whose highest bit is set. */
static void skip_location(struct cursor *cursor)
{
    do
        cursor->at++;
    while (cursor->at < cursor->end && !(*cursor->at & 0x80));
}

static void decode_locations(const uint8_t *table, size_t length, int32_t line, struct output *output)
{
    struct cursor cursor = {table, table + length};
    while (cursor.at < cursor.end && output->unit < output->end) {
        struct location location = read_location(&cursor);
        line = (int32_t)((uint32_t)line + (uint32_t)location.line_delta);
        advance(output, output->unit + location.units, location.has_line ? line : output->none);
    }
    finish(output, output->none);
}

static size_t units_of(const struct cursor *cursor)
{
    return (*cursor->at & 7u) + 1;
}

void line_table_mark(const uint8_t *table, size_t length, size_t units, struct line_mark *marks)
{
    struct cursor cursor = {table, table + length};
    struct line_mark entry = {0};
    for (size_t i = 0, count = line_table_mark_count(units); i < count; i++) {
        while (cursor.at < cursor.end && entry.unit + units_of(&cursor) <= i * LINE_MARK_UNITS) {
            entry.unit += (uint32_t)units_of(&cursor);
            skip_location(&cursor);
        }
        entry.at = (uint32_t)(cursor.at - table);
        marks[i] = entry;
    }
}

static uint32_t pack(const struct location *location)
{
    bool fits = location->has_columns && location->column < ALLOCTRACE_COLUMN_MASK && location->end_column < ALLOCTRACE_COLUMN_MASK
                && location->end_line_delta <= UINT8_MAX;
    return fits ? (location->column + 1) | (location->end_column + 1) << ALLOCTRACE_COLUMN_BITS
                      | location->end_line_delta << 2 * ALLOCTRACE_COLUMN_BITS
                : ALLOCTRACE_NO_EXPRESSION;
}

uint32_t line_table_expression(enum line_format format, const uint8_t *table, size_t length, const struct line_mark *marks, size_t unit)
{
    if (format != LINES_LOCATIONS)
        return ALLOCTRACE_NO_EXPRESSION;
    struct line_mark from = marks ? marks[unit / LINE_MARK_UNITS] : (struct line_mark){0};
    struct cursor cursor = {table + from.at, table + length};
    for (size_t at = from.unit; cursor.at < cursor.end; skip_location(&cursor)) {
        at += units_of(&cursor);
        if (at > unit) {
            struct location location = read_location(&cursor);
            return pack(&location);
        }
    }
    return ALLOCTRACE_NO_EXPRESSION;
}

static void decode(enum line_format format, const uint8_t *table, size_t length, int32_t first_line, struct output *output)
{
    switch (format) {
    case LINES_LNOTAB:
        decode_lnotab(table, length, first_line, output);
        break;
    case LINES_LINETABLE:
        decode_linetable(table, length, first_line, output);
        break;
    case LINES_LOCATIONS:
        decode_locations(table, length, first_line, output);
        break;
    }
}

void line_table_decode(enum line_format format, const uint8_t *table, size_t length, int32_t first_line, size_t first, size_t count,
                       int32_t *lines)
{
    decode(format, table, length, first_line, &(struct output){.lines = lines, .first = first, .end = first + count});
}

int32_t line_table_line(enum line_format format, const uint8_t *table, size_t length, int32_t first_line, size_t unit)
{
    int32_t line = -1;
    decode(format, table, length, first_line, &(struct output){.lines = &line, .first = unit, .end = unit + 1, .none = -1});
    return line;
}

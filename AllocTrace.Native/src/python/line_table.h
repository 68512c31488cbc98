/* line_table.h: from bytecode offsets to lines, for each format that CPython has had. Pure functions over bytes. */
#ifndef ALLOCTRACE_LINE_TABLE_H
#define ALLOCTRACE_LINE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "python/layout.h"

/* Writes the lines of the two-byte code units [first, first + count) into lines[0 … count), 0 if the instruction has none. For any content
 * of the table, exactly these are written and no byte outside [table, table + length) is read. */
void line_table_decode(enum line_format format, const uint8_t *table, size_t length, int32_t first_line, size_t first, size_t count,
                       int32_t *lines);

/* Returns the line of one code unit, negative if the instruction has none (0 is a line: CPython gives it to instructions before the first
 * line). */
int32_t line_table_line(enum line_format format, const uint8_t *table, size_t length, int32_t first_line, size_t unit);

/* A table is a chain: an entry is found by following all before it. Marks, one for each LINE_MARK_UNITS code units, are where to begin
 * instead, so that finding an instruction takes as long in a module of 100,000 statements as in a short function. */
struct line_mark {
    uint32_t at;   /* in the table: the entry that the unit lies in */
    uint32_t unit; /* the entry's first */
};

enum { LINE_MARK_UNITS = 32 };

/* Returns the number of marks of a code object of this many units. */
static inline size_t line_table_mark_count(size_t units)
{
    return units / LINE_MARK_UNITS + 1;
}

/* Writes line_table_mark_count(units) marks. Only for LINES_LOCATIONS. */
void line_table_mark(const uint8_t *table, size_t length, size_t units, struct line_mark *marks);

/* Returns where in the source a code unit's instruction is, packed as below ALLOCTRACE_CODE_EXPRESSION in wire.h. Only LINES_LOCATIONS has
 * columns. marks: of this table, or NULL. */
uint32_t line_table_expression(enum line_format format, const uint8_t *table, size_t length, const struct line_mark *marks, size_t unit);

#endif

#include <string.h>

#include "check.h"
#include "python/line_table.h"

/* Tables are read from another program's memory: whatever they hold, the result has its size and nothing else is touched. Run under a
 * sanitizer this finds reads beyond the table; the guards find writes beyond the result. */
void line_tables_of_any_bytes_stay_in_bounds(void)
{
    enum { UNITS = 64, GUARD = 0x5a5a5a5a };
    uint32_t random = 12345;
    for (int round = 0; round < 200000; round++) {
        size_t length = (size_t)round % 48;
        uint8_t *table = malloc(length ? length : 1);
        for (size_t i = 0; i < length; i++) {
            random = random * 1664525u + 1013904223u;
            table[i] = (uint8_t)(random >> 24);
        }
        int32_t lines[UNITS + 2];
        for (int format = LINES_LNOTAB; format <= LINES_LOCATIONS; format++) {
            lines[0] = lines[UNITS + 1] = GUARD;
            for (int i = 1; i <= UNITS; i++)
                lines[i] = GUARD;
            line_table_decode((enum line_format)format, table, length, 1, 0, UNITS, lines + 1);
            CHECK(lines[0] == GUARD && lines[UNITS + 1] == GUARD);
        }
        free(table);
    }
}

/* With marks an instruction is found that is found without, in any bytes; and no read is beyond the table. */
void line_table_marks_find_what_the_beginning_finds(void)
{
    enum { UNITS = 300 };
    uint32_t random = 99;
    for (int round = 0; round < 3000; round++) {
        size_t length = (size_t)round % 400;
        uint8_t *table = malloc(length ? length : 1);
        for (size_t i = 0; i < length; i++) {
            random = random * 1664525u + 1013904223u;
            table[i] = (uint8_t)(random >> 24);
        }
        struct line_mark marks[UNITS / LINE_MARK_UNITS + 1];
        CHECK(line_table_mark_count(UNITS) == sizeof marks / sizeof *marks);
        line_table_mark(table, length, UNITS, marks);
        for (size_t unit = 0; unit < UNITS; unit++)
            CHECK(line_table_expression(LINES_LOCATIONS, table, length, marks, unit)
                  == line_table_expression(LINES_LOCATIONS, table, length, NULL, unit));
        free(table);
    }
}

/* Reads "FORMAT FIRST_LINE UNITS HEX" lines (HEX may be "-" for an empty table) and writes the lines of the units, separated by blanks. */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "python/line_table.h"

static uint8_t table[1 << 20];
static int32_t lines[1 << 20];
static char hex[sizeof table * 2 + 1];

int print_lines(void)
{
    int format, first_line;
    size_t units;
    while (scanf("%d %d %zu %2097152s", &format, &first_line, &units, hex) == 4) {
        size_t length = hex[0] == '-' ? 0 : strlen(hex) / 2;
        CHECK(units <= sizeof lines / sizeof *lines);
        for (size_t i = 0; i < length; i++)
            CHECK(sscanf(hex + 2 * i, "%2" SCNx8, &table[i]) == 1);
        line_table_decode((enum line_format)format, table, length, first_line, 0, units, lines);
        for (size_t i = 0; i < units; i++) {
            int32_t alone;
            line_table_decode((enum line_format)format, table, length, first_line, i, 1, &alone);
            CHECK(alone == lines[i]);
            printf(i ? " %d" : "%d", lines[i]);
        }
        putchar('\n');
    }
    return 0;
}

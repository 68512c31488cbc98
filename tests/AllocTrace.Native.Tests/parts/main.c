#include <string.h>

#include "check.h"

#define RUN(name)                                                                                                                          \
    if (strcmp(arguments[1], #name) == 0) {                                                                                                \
        name();                                                                                                                            \
        return 0;                                                                                                                          \
    }
#define PRINT(name) puts(#name);

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "--list") == 0) {
        TESTS(PRINT)
        return 0;
    }
    if (count == 2 && strcmp(arguments[1], "--wire-layout") == 0)
        return print_wire_layout();
    if (count == 2 && strcmp(arguments[1], "--layouts") == 0)
        return print_layouts();
    if (count == 4 && strcmp(arguments[1], "--layout") == 0)
        return print_layout(atoi(arguments[2]), atoi(arguments[3]));
    if (count == 5 && strcmp(arguments[1], "--debug-offsets") == 0)
        return compare_debug_offsets(atoi(arguments[2]), atoi(arguments[3]), arguments[4]);
    if (count == 2 && strcmp(arguments[1], "--lines") == 0)
        return print_lines();
    if (count == 2 && strcmp(arguments[1], "--options") == 0)
        return print_options();
    if (count == 2) {
        TESTS(RUN)
    }
    fprintf(stderr, "usage: native-parts --list | NAME | --wire-layout | --layouts | --layout MINOR T | --debug-offsets MINOR T FILE | "
                    "--lines | --options\n");
    return 2;
}

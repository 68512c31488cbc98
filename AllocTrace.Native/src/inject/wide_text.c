#include "inject/wide_text.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "platform/os.h"

static bool is_character(uint32_t value)
{
    enum { FIRST = ' ', LAST = 0x10FFFF };
    return value >= FIRST && value <= LAST;
}

/* Returns true for a wide string. A wchar_t is four aligned bytes, of which the last is 0: as a char* the text ends after at most three.
 * The system reads the bytes after the end, which do not belong to a char*: a wide string of two or more characters has 0 and then another
 * character. */
static bool is_wide(const char *text)
{
    uint32_t characters[2];
    if (strnlen(text, sizeof *characters) >= sizeof *characters || (uintptr_t)text % sizeof *characters != 0
        || !os_read_memory((uintptr_t)text, characters, sizeof characters))
        return false;
    return is_character(characters[0]) && is_character(characters[1]);
}

bool wide_text_is_none(const char *text, const char *argument)
{
    if (!text || !is_wide(text))
        return true;
    os_message("the %s \"%s\" is the beginning of a wide string, as ctypes passes a str: pass bytes, b\"...\" or os.fsencode(...); nothing "
               "was done",
               argument, text);
    return false;
}

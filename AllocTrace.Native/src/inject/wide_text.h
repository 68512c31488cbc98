/* wide_text.h: strings that a caller in Python passed as wchar_t*. */
#ifndef ALLOCTRACE_WIDE_TEXT_H
#define ALLOCTRACE_WIDE_TEXT_H

#include <stdbool.h>

/* False, and a message that names the argument, when a char* argument of the C API is certainly a wide string: ctypes passes a str as one.
 * NULL is none. Never reads beyond the end of mapped memory. */
bool wide_text_is_none(const char *text, const char *argument);

#endif

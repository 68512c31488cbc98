/* text.h: str objects as UTF-8, read in place. */
#ifndef ALLOCTRACE_TEXT_H
#define ALLOCTRACE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "python/runtime.h"

/* Writes a str's text as UTF-8 (lone surrogates as three bytes) and returns the number of bytes, at most size. What does not fit is cut
 * at a character, and U+2026 ends it. An object that is no compact str comes out as "?". */
size_t text_write(const struct python_runtime *python, uintptr_t text, char *buffer, size_t size);

#endif

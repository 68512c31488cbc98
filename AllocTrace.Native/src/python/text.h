/* text.h: str objects as UTF-8, read in place. */
#ifndef ALLOCTRACE_TEXT_H
#define ALLOCTRACE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "python/runtime.h"

/* Returns true for a str and for an instance of a subclass: compile keeps either as the file name of a code object. */
bool text_is_str(const struct python_runtime *python, uintptr_t object);

/* Writes a str's text as UTF-8 (lone surrogates as three bytes) and returns the number of bytes, at most size. Longer text is cut at a
 * character, and U+2026 ends it. An object that is no str is written as "?". */
size_t text_write(const struct python_runtime *python, uintptr_t text, char *buffer, size_t size);

/* A str's characters where they are. kind: bytes of each, 1, 2 or 4; 0 when the object is no str. */
struct text_view {
    unsigned kind;
    size_t length; /* characters */
    const uint8_t *data;
};

struct text_view text_view(const struct python_runtime *python, uintptr_t text);
uint32_t text_character(const struct text_view *view, size_t index);

/* Writes as much as fits of a text as UTF-8, whole characters, and returns the number of bytes. *cut: something did not fit. */
size_t text_encode(const struct text_view *view, char *buffer, size_t size, bool *cut);

#endif

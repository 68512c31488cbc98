/* text.h: text in the report of a crash. A reference is an offset in the report's text. */
#ifndef ALLOCTRACE_CRASH_TEXT_H
#define ALLOCTRACE_CRASH_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "alloctrace/wire.h"
#include "python/text.h"

/* Adds at most 1,024 bytes and returns the reference; 0, which is empty, when there is no room. */
uint32_t crash_add_text(struct alloctrace_crash *crash, const struct text_view *text);
uint32_t crash_add_bytes(struct alloctrace_crash *crash, const char *bytes, size_t length);

#endif

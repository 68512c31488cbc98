/* fake_python.h: objects laid out as CPython 3.14 has them, made by hand, so that what reads them can be tested without an interpreter. */
#ifndef FAKE_PYTHON_H
#define FAKE_PYTHON_H

#include <stddef.h>
#include <stdint.h>

#include "capture/recording.h"

/* The runtime of the test session: open_test_session makes it. */
extern struct traced_runtime *fake_runtime;

/* A compact str of a kind (1, 2 or 4 bytes a character; 0: ASCII). Never freed. */
uintptr_t fake_text(unsigned kind, const void *characters, size_t length);
uintptr_t fake_ascii(const char *text);

/* Makes a code object of this many code units, all on first_line. */
uintptr_t fake_code(const char *filename, const char *name, int first_line, unsigned units);

#endif

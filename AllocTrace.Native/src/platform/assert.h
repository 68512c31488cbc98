/* assert.h: invariants that comments state. The checked build (-DALLOCTRACE_CHECKED, .ci/sanitize) tests them and aborts; every other build
 * compiles them, so that they stay correct, and evaluates nothing. */
#ifndef ALLOCTRACE_ASSERT_H
#define ALLOCTRACE_ASSERT_H

#ifdef ALLOCTRACE_CHECKED

#include <stdlib.h>

#include "platform/os.h"

#define alloctrace_assert(condition)                                                                                                       \
    ((condition) ? (void)0 : (os_message("%s:%d: this must hold: %s", __FILE__, __LINE__, #condition), abort()))

#else

#define alloctrace_assert(condition) ((void)sizeof(!!(condition)))

#endif

#endif

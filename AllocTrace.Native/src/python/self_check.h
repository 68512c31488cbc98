/* self_check.h: the walk compared with CPython's own answers, where they can be had without a side effect.
 *
 * The public functions that return frames and code objects allocate, and so may start a garbage collection: they cannot be called from an
 * allocator. PyEval_GetGlobals (borrowed reference) and PyCode_Addr2Line (an int) read only. They are asked about the innermost frame of
 * the first stacks of an attached thread; types are compared with PyCode_Type and PyUnicode_Type.
 */
#ifndef ALLOCTRACE_SELF_CHECK_H
#define ALLOCTRACE_SELF_CHECK_H

#include "python/runtime.h"

enum self_check_result { SELF_CHECK_NOTHING_SEEN, SELF_CHECK_AGREED, SELF_CHECK_FAILED };

/* On FAILED, *failure names the difference. */
enum self_check_result self_check(const struct python_runtime *python, bool holds_gil, const char **failure);

#endif

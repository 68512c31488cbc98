/* arenas.h: the hook in front of CPython's arena allocator. Arenas are recorded as marks, so that an account of resident memory knows them
 * (docs/memory.md); the frame walk learns which chunks of data stacks are freed (walk/data_stack.h).
 */
#ifndef ALLOCTRACE_ARENAS_H
#define ALLOCTRACE_ARENAS_H

#include "capture/recording.h"

/* Installs the hook, unless it is there. No-op if CPython does not export the functions for it. */
void arenas_watch(struct traced_runtime *runtime);

/* Removes the hook, unless another hook is in front of it. */
void arenas_unwatch(struct traced_runtime *runtime);

bool arenas_are_watched(const struct traced_runtime *runtime);

#endif

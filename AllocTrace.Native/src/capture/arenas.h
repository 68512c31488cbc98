/* arenas.h: the hook in front of CPython's arena allocator. Arenas are recorded as marks, so that an account of resident memory knows them
 * (docs/memory.md); the frame walk learns which chunks of data stacks are freed (walk/data_stack.h).
 */
#ifndef ALLOCTRACE_ARENAS_H
#define ALLOCTRACE_ARENAS_H

#include "capture/recording.h"

/* Puts the hook in place, if it is not there. No-op where CPython does not export what that needs. */
void arenas_watch(struct traced_runtime *runtime);

/* Takes it out, if nobody put anything in front of it. */
void arenas_unwatch(struct traced_runtime *runtime);

bool arenas_are_watched(const struct traced_runtime *runtime);

#endif

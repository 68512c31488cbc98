/* slabs.h: where records go. Few, small and warm: the collector gives a drained slab back to the top of a stack, and the next thread that
 * needs one takes it from there while it is still in the processor's cache.
 */
#ifndef ALLOCTRACE_SLABS_H
#define ALLOCTRACE_SLABS_H

#include <stdbool.h>
#include <stdint.h>

enum { NO_SLAB = UINT32_MAX };

/* Returns an unused slab, or NO_SLAB. May wait for the collector, as long as option on_full and the collector's progress allow. Takes the
 * lock: must not be called under it. */
uint32_t slabs_take(void);

#endif

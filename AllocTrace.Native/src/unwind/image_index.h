/* image_index.h: which image has an address, and where its unwind table is. Takes no lock: not the loader's either, which a thread may hold
 * that waits for the allocator. */
#ifndef ALLOCTRACE_UNWIND_IMAGE_INDEX_H
#define ALLOCTRACE_UNWIND_IMAGE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

/* Finds the loader's own look-up (glibc 2.35 and later). It may allocate: not from a hook. Idempotent. */
void image_index_begin(void);

/* False: the address is in no image that the loader knows, so its code was made at run time. *index: of the image's .eh_frame_hdr, 0 if it
 * has none. The image must be in use: the address is of code that is on the calling thread's stack. */
bool image_index_of(uintptr_t pc, uintptr_t *index);

/* From now on the loader is not asked, as with glibc before 2.35: the system's list of mappings says it. For tests. */
void image_index_without_loader(void);

#endif

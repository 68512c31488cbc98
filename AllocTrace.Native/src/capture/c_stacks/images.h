/* images.h: the files whose code was met on a stack. All but images_address under the recording lock. */
#ifndef ALLOCTRACE_NATIVE_IMAGES_H
#define ALLOCTRACE_NATIVE_IMAGES_H

#include <stdint.h>

#include "alloctrace/wire.h"

/* The image in which an address is, told to the session if it is new, and where in its file. ALLOCTRACE_IMAGE_NONE with the address as
 * offset when it is in no file, or nobody can be told. */
uint32_t images_find(uintptr_t address, uint64_t *offset);

/* The opposite, by any thread; 0 for an image that is not known to be mapped any more. */
uintptr_t images_address(uint32_t image, uint64_t offset);

/* Images may have been unloaded: each one is looked for again. epoch: nothing is done twice for one. */
void images_close_all(uint64_t epoch);

void images_reset(void);

#endif

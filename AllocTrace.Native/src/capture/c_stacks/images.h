/* images.h: the files whose code was met on a stack. All but images_address under the recording lock. */
#ifndef ALLOCTRACE_NATIVE_IMAGES_H
#define ALLOCTRACE_NATIVE_IMAGES_H

#include <stdint.h>

#include "alloctrace/wire.h"

/* Returns the image of an address and sets *offset to the offset in its file. Writes the image to the session if it is new. Returns
 * ALLOCTRACE_IMAGE_NONE with the address as offset if the address is in no file, or there is no room. */
uint32_t images_find(uintptr_t address, uint64_t *offset);

/* The opposite, by any thread; 0 for an image that is not known to be mapped any more. */
uintptr_t images_address(uint32_t image, uint64_t offset);

/* Closes all images, because some may have been unloaded: each is looked up again. epoch: a second call for one is a no-op. */
void images_close_all(uint64_t epoch);

void images_reset(void);

#endif

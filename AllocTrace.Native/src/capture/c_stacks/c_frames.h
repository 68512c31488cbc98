/* c_frames.h: numbers C stacks, each once in the session: a trie of return addresses. They are stored as an image and an offset in its
 * file, so that they have the same meaning in another run. */
#ifndef ALLOCTRACE_C_FRAMES_H
#define ALLOCTRACE_C_FRAMES_H

#include <stdint.h>

#include "alloctrace/wire.h"

/* Returns the number of a return address below its caller's, or of a segment below those outside of it (image ALLOCTRACE_IMAGE_SEGMENT in
 * wire.h). Returns ALLOCTRACE_C_FRAME_DROPPED if there is no room. Takes the lock for new ones. */
uint32_t c_frames_number(uint32_t caller, uintptr_t pc);
uint32_t c_frames_list(uint32_t outer, uint32_t segment);

/* Forgets the images, because some were unloaded: others may be at their addresses. Takes the lock. */
void c_frames_forget_images(uint64_t epoch);

/* A new session, or a forked child. */
void c_frames_reset(void);

#endif

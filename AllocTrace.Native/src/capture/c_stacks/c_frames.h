/* c_frames.h: C stacks become numbers, each kept once in the session: a trie of return addresses, which are stored as an image and the
 * place in its file, so that they mean the same in another run. */
#ifndef ALLOCTRACE_C_FRAMES_H
#define ALLOCTRACE_C_FRAMES_H

#include <stdint.h>

#include "alloctrace/wire.h"

/* The number of a return address below its caller's, or of a segment below those outside of it (image ALLOCTRACE_IMAGE_SEGMENT in wire.h).
 * ALLOCTRACE_C_FRAME_DROPPED when there is no room. Takes the lock for what is new. */
uint32_t c_frames_number(uint32_t caller, uintptr_t pc);
uint32_t c_frames_list(uint32_t outer, uint32_t segment);

/* Images were unloaded: what is at their addresses now is another one, or comes as one. Takes the lock. */
void c_frames_forget_images(uint64_t epoch);

/* A new session, or a forked child. */
void c_frames_reset(void);

#endif

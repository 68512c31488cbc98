/* heap.h: walks the chunks of a glibc heap without its locks. */
#ifndef ALLOCTRACE_HEAP_H
#define ALLOCTRACE_HEAP_H

#include "capture/resident/mappings.h"
#include "capture/resident/words.h"

enum { HEAP_WINDOW = 1 << 15 };

/* Writes the items HEAP and USED, unless the range is no heap. window: room for HEAP_WINDOW bytes, in which the heap's memory is copied a
 * part at a time; or NULL in a process with one thread, whose memory no other thread unmaps, to read it directly, which is five times as
 * fast. Returns false after until_ns, CLOCK_MONOTONIC: the heap is then written up to the last chunk that was walked. */
bool heap_record(struct words *words, const struct heap_range *range, uint8_t *window, uint64_t until_ns);

#endif

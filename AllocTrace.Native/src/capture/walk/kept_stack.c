#include "capture/walk/kept_stack.h"

#include <string.h>

#include "capture/code_cache.h"
#include "capture/thread.h"
#include "platform/assert.h"
#include "platform/os.h"

static size_t grown_bytes(uint32_t capacity)
{
    return sizeof(struct kept_frame) + capacity * (sizeof(struct kept_frame) + sizeof(struct kept_place) + sizeof(uintptr_t))
           + capacity / KEPT_FRAMES_PER_CHUNK * sizeof(struct kept_chunk);
}

void kept_stack_release_room(struct kept_stack *stack)
{
    if (stack->capacity > KEPT_FIRST_CAPACITY)
        os_unmap(stack->frames - 1, grown_bytes(stack->capacity));
}

bool thread_grow_stack(struct kept_stack *stack)
{
    uint32_t capacity = stack->capacity * 2;
    if (capacity > KEPT_MAX_CAPACITY)
        return false;
    alloctrace_assert(stack->depth <= stack->capacity);
    uint8_t *memory = os_map(grown_bytes(capacity));
    if (!memory)
        return false;
    struct kept_stack old = *stack;
    if (capacity > KEPT_DEEP && stack->code_epoch != CODE_EPOCH_DEEP) {
        stack->deep_code_epoch = stack->code_epoch;
        stack->code_epoch = CODE_EPOCH_DEEP;
    }
    stack->capacity = capacity;
    stack->frames = (struct kept_frame *)memory + 1;
    stack->places = (struct kept_place *)(stack->frames + capacity);
    stack->pending = (uintptr_t *)(stack->places + capacity);
    stack->chunks = (struct kept_chunk *)(stack->pending + capacity);
    memcpy(stack->frames, old.frames, old.capacity * sizeof *old.frames);
    memcpy(stack->places, old.places, old.capacity * sizeof *old.places);
    memcpy(stack->pending, old.pending, old.capacity * sizeof *old.pending);
    memcpy(stack->chunks, old.chunks, old.chunk_count * sizeof *old.chunks);
    kept_stack_release_room(&old);
    return true;
}

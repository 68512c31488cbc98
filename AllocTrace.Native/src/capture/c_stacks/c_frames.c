#include "capture/c_stacks/c_frames.h"

#include "capture/id_table.h"
#include "capture/c_stacks/images.h"
#include "capture/recording.h"
#include "session/session.h"

static struct id_table frames;

struct frame_key {
    uint32_t parent, image; /* image: SEGMENT, or NONE for a return address in whichever image */
    uint64_t value;         /* the segment, or the return address */
};

static bool frame_equals(uint32_t id, const void *key)
{
    const struct alloctrace_c_frame *frame = session_c_frame(id);
    const struct frame_key *wanted = key;
    if (frame->parent != wanted->parent)
        return false;
    if (wanted->image == ALLOCTRACE_IMAGE_SEGMENT || frame->image == ALLOCTRACE_IMAGE_SEGMENT)
        return frame->image == wanted->image && frame->offset == wanted->value;
    return images_address(frame->image, frame->offset) == wanted->value;
}

/* Like the nodes, an eighth of the limit. */
static bool may_have_more(void)
{
    enum { SHARE = 8, LEAST_EXTENTS = 4 };
    uint64_t most = session.header->limit_bytes / SHARE / ALLOCTRACE_EXTENT_BYTES;
    return session.extents_of[ALLOCTRACE_EXTENT_C_FRAMES] < (most < LEAST_EXTENTS ? LEAST_EXTENTS : most);
}

/* frame: as it will be stored. */
static uint32_t add(struct alloctrace_c_frame frame, uint32_t hash)
{
    uint32_t number = session.header->c_frames;
    bool is_there = number / PER_EXTENT(struct alloctrace_c_frame) < session.extents_of[ALLOCTRACE_EXTENT_C_FRAMES];
    if (!is_there && (!may_have_more() || !session_grow(ALLOCTRACE_EXTENT_C_FRAMES)))
        return ALLOCTRACE_C_FRAME_DROPPED;
    *session_c_frame(number) = frame;
    if (!id_table_add(&frames, hash, number))
        return ALLOCTRACE_C_FRAME_DROPPED;
    SHARED_STORE(session.header->c_frames, number + 1);
    return number;
}

static uint32_t number_of(struct frame_key key)
{
    if (key.parent == ALLOCTRACE_C_FRAME_DROPPED)
        return ALLOCTRACE_C_FRAME_DROPPED;
    uint32_t hash = hash_mix((uint64_t)key.parent << 32 | key.image, key.value);
    uint32_t number = id_table_find(&frames, hash, frame_equals, &key);
    if (number)
        return number;
    recording_lock();
    struct alloctrace_c_frame frame = {.parent = key.parent, .image = key.image, .offset = key.value};
    if (key.image != ALLOCTRACE_IMAGE_SEGMENT) /* an image that was closed is open from here on, and its frames are found */
        frame.image = images_find(key.value, &frame.offset);
    number = id_table_find(&frames, hash, frame_equals, &key); /* or another thread was first */
    if (!number)
        number = add(frame, hash);
    recording_unlock();
    return number;
}

uint32_t c_frames_number(uint32_t caller, uintptr_t pc)
{
    return number_of((struct frame_key){caller, ALLOCTRACE_IMAGE_NONE, pc});
}

uint32_t c_frames_list(uint32_t outer, uint32_t segment)
{
    return number_of((struct frame_key){outer, ALLOCTRACE_IMAGE_SEGMENT, segment});
}

void c_frames_forget_images(uint64_t epoch)
{
    recording_lock();
    images_close_all(epoch);
    recording_unlock();
}

void c_frames_reset(void)
{
    id_table_reset(&frames);
    images_reset();
}

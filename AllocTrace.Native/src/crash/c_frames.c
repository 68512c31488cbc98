#include "crash/c_frames.h"

#include <string.h>

#include "crash/text.h"
#include "platform/mappings.h"
#include "session/session.h"
#include "unwind/stack_room.h"
#include "unwind/step.h"

enum { LONGEST_PATH = 1024 };

static bool is_ready;

void crash_c_frames_begin(void)
{
    is_ready = is_ready || unwind_begin();
}

/* The image of the last frame: those of an extension, and of the interpreter, follow each other. */
static struct {
    struct os_mapping mapping;
    uint32_t path; /* text */
} last;

static void add_frame(struct alloctrace_crash *crash, uintptr_t address)
{
    static char path[LONGEST_PATH]; /* the stack of the handler is small */
    if (address < last.mapping.begin || address >= last.mapping.end) {
        memset(&last, 0, sizeof last);
        if (os_mapping_of(address, &last.mapping, path, sizeof path))
            last.path = last.mapping.path_length ? crash_add_bytes(crash, path, last.mapping.path_length) : 0;
    }
    struct alloctrace_crash_c_frame *frames = (struct alloctrace_crash_c_frame *)((uint8_t *)crash + ALLOCTRACE_CRASH_C_FRAMES_OFFSET);
    frames[crash->c_frames] = (struct alloctrace_crash_c_frame){
        .address = address,
        .offset = address - last.mapping.begin + last.mapping.offset,
        .path = last.path,
    };
    SHARED_STORE(crash->c_frames, crash->c_frames + 1);
}

/* After a call of an address that is no code, NULL for one: the word on the stack is the return address. */
static void leave_no_code(struct unwind_frame *frame)
{
    struct os_mapping mapping;
    if (os_mapping_of(frame->pc - 1, &mapping, NULL, 0))
        return;
    frame->pc = *(const uintptr_t *)frame->sp;
    frame->sp += sizeof(uintptr_t);
}

void crash_add_c_frames(struct alloctrace_crash *crash, const void *context)
{
    struct unwind_frame frame;
    struct stack_rooms rooms = {0};
    enum unwind_result result = UNWIND_STEPPED;
    if (!is_ready || !unwind_interrupted(context, &frame))
        return;
    add_frame(crash, frame.pc - 1);
    leave_no_code(&frame);
    if (frame.pc - 1 != ((const struct alloctrace_crash_c_frame *)((const uint8_t *)crash + ALLOCTRACE_CRASH_C_FRAMES_OFFSET))->address)
        add_frame(crash, frame.pc - 1);
    while (result == UNWIND_STEPPED && crash->c_frames < ALLOCTRACE_CRASH_C_FRAMES) {
        result = unwind_step(unwind_rule_of(frame.pc), &frame, stack_rooms_end(&rooms, frame.sp));
        if (result == UNWIND_STEPPED)
            add_frame(crash, frame.pc - 1);
    }
    SHARED_STORE(crash->c_is_cut, result == UNWIND_ENDED ? 0u : 1u);
}

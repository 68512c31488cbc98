#include "crash/c_frames.h"

#include <stdbool.h>
#include <string.h>

#include "crash/loops.h"
#include "crash/text.h"
#include "platform/mappings.h"
#include "platform/os.h"
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

/* The frame that was added last ends at the stack pointer of its caller. */
static void place_last(struct alloctrace_crash *crash, uintptr_t begin, uintptr_t end)
{
    struct alloctrace_crash_c_frame *frames = (struct alloctrace_crash_c_frame *)((uint8_t *)crash + ALLOCTRACE_CRASH_C_FRAMES_OFFSET);
    frames[crash->c_frames - 1].python_frames = crash_loops_python_frames(begin, end);
}

/* After a call of an address that is no code, NULL for one, the word on the stack is the return address. False: it is code. */
static bool leave_no_code(struct unwind_frame *frame)
{
    struct os_mapping mapping;
    if (os_mapping_of(frame->pc - 1, &mapping, NULL, 0))
        return false;
    frame->pc = *(const uintptr_t *)frame->sp;
    frame->sp += sizeof(uintptr_t);
    return true;
}

/* The end of the stack that sp is on, or has just left downwards: then it is in the guard below, or where nothing is mapped. */
static uintptr_t end_of_stack(uintptr_t sp)
{
    const uintptr_t page = 4096, most = (uintptr_t)1 << 20;
    struct os_mapping mapping;
    char byte;
    for (uintptr_t beyond = 0; beyond <= most; beyond = beyond ? beyond * 2 : page)
        if (os_read_memory(sp + beyond, &byte, sizeof byte))
            return os_mapping_of(sp + beyond, &mapping, NULL, 0) ? mapping.end : 0;
    return 0;
}

void crash_add_c_frames(struct alloctrace_crash *crash, const void *context)
{
    struct unwind_frame frame;
    struct stack_rooms rooms = {0};
    enum unwind_result result = UNWIND_STEPPED;
    if (!is_ready || !unwind_interrupted(context, &frame))
        return;
    add_frame(crash, frame.pc - 1);
    uintptr_t end = end_of_stack(frame.sp);
    if (leave_no_code(&frame))
        add_frame(crash, frame.pc - 1);
    for (uintptr_t begin = frame.sp; crash->c_frames < ALLOCTRACE_CRASH_C_FRAMES; begin = frame.sp) {
        result = unwind_step(unwind_rule_of(frame.pc), &frame, end);
        if (result != UNWIND_STEPPED)
            break;
        place_last(crash, begin, frame.sp);
        add_frame(crash, frame.pc - 1);
        end = stack_rooms_end(&rooms, frame.sp);
    }
    SHARED_STORE(crash->c_is_cut, result == UNWIND_ENDED ? 0u : 1u);
}

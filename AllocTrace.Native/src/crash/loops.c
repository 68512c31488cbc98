#include "crash/loops.h"

#include "alloctrace/wire.h"

static uintptr_t frames[ALLOCTRACE_CRASH_THREAD_FRAMES];
static uint32_t frame_count;

static struct loop {
    uintptr_t local;
    uint32_t python_frames;
} loops[ALLOCTRACE_CRASH_THREAD_FRAMES];
static uint32_t loop_count;

void crash_loops_add_frame(const void *frame)
{
    if (frame_count < ALLOCTRACE_CRASH_THREAD_FRAMES)
        frames[frame_count++] = (uintptr_t)frame;
}

static bool add_loop(uintptr_t local, uint32_t python_frames)
{
    if (loop_count == ALLOCTRACE_CRASH_THREAD_FRAMES)
        return false;
    loops[loop_count++] = (struct loop){local, python_frames};
    return true;
}

/* From 3.12 on: each entry trampoline is a frame on the chain, outside of the frames that its loop runs. */
static void find_entries(const struct alloctrace_python *python, uintptr_t thread_state)
{
    uint32_t hops = ALLOCTRACE_MAX_HOPS, inside = 0;
    for (uintptr_t frame = callstack_innermost(python, thread_state); frame && hops; hops--) {
        if (inside < frame_count && frames[inside] == frame)
            inside++;
        else if (frame_is_entry(python->runtime.layout, frame) && !add_loop(frame, inside))
            return;
        frame = callstack_previous(python, frame);
    }
}

/* 3.11: when a loop begins, its first frame is called by the frame that the record before it names. The last record is the thread state's
 * own, and names none. */
static void find_records(const struct alloctrace_python *python, uintptr_t thread_state)
{
    enum { RECORD_BYTES = 24 };
    const struct layout *layout = python->runtime.layout;
    uint32_t inside = 0;
    for (uintptr_t record = read_pointer(thread_state, layout->thread_state.frame), caller;
         callstack_can_read(python, record, RECORD_BYTES); record = caller) {
        caller = read_pointer(record, layout->thread_state.cframe_previous);
        if (!callstack_can_read(python, caller, RECORD_BYTES))
            return;
        uintptr_t called_by = read_pointer(caller, layout->thread_state.cframe_frame);
        while (inside < frame_count && frames[inside] != called_by)
            inside++;
        if (!add_loop(record, inside))
            return;
    }
}

void crash_loops_find(const struct alloctrace_python *python, const void *thread_state)
{
    const struct layout *layout = python->runtime.layout;
    if (layout->first_owner_without_code)
        find_entries(python, (uintptr_t)thread_state);
    else if (layout->thread_state.frame_is_indirect)
        find_records(python, (uintptr_t)thread_state);
}

uint32_t crash_loops_python_frames(uintptr_t begin, uintptr_t end)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < loop_count; i++)
        if (loops[i].local >= begin && loops[i].local < end && loops[i].python_frames > most)
            most = loops[i].python_frames;
    return most;
}

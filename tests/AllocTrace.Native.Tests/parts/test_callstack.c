#include <pthread.h>
#include <string.h>

#include "callstack/internal.h"
#include "check.h"
#include "fake_python.h"

/* Stands in for an interpreter with the proposal's functions: frames are numbers, and nothing may read through them. */
static int asked;

static uintptr_t innermost(uintptr_t state)
{
    asked++;
    return state == 0x1000 ? 0x2003 : 0;
}

static uintptr_t back(uintptr_t frame)
{
    return frame > 0x2000 ? frame - 1 : 0;
}

static int is_incomplete(uintptr_t frame)
{
    return frame & 1;
}

static uintptr_t next_complete(uintptr_t frame)
{
    return frame > 0x2001 ? frame - 2 : 0;
}

static uintptr_t code_safe(uintptr_t frame)
{
    return frame + 0x10000;
}

static int line_safe(uintptr_t frame)
{
    return frame == 0x2002 ? 42 : -1;
}

void functions_of_the_proposal_are_used(void)
{
    open_test_session(8u << 20);
    struct alloctrace_python python = {.runtime = fake_runtime->python};

    /* One step at a time, complete or not. */
    python.proposal =
        (struct python_proposal){.innermost = innermost, .back = back, .is_incomplete = is_incomplete, .code_safe = code_safe};
    uint32_t hops = 100;
    const void *frame = alloctrace_frame_innermost(&python, (void *)0x1000, &hops);
    CHECK(frame == (void *)0x2002 && hops == 98 && asked == 1);
    CHECK(alloctrace_frame_borrow_code(&python, frame) == (void *)0x12002);
    frame = alloctrace_frame_caller(&python, frame, &hops);
    CHECK(frame == (void *)0x2000 && hops == 96);
    CHECK(alloctrace_frame_caller(&python, frame, &hops) == NULL);
    hops = 1;
    CHECK(alloctrace_frame_innermost(&python, (void *)0x1000, &hops) == NULL && hops == 0);

    /* Complete ones only, and lines. */
    python.proposal =
        (struct python_proposal){.innermost = innermost, .next_complete = next_complete, .code_safe = code_safe, .line_safe = line_safe};
    hops = 100;
    frame = alloctrace_frame_innermost(&python, (void *)0x1000, &hops);
    CHECK(frame == (void *)0x2003 && hops == 99);
    CHECK(alloctrace_frame_caller(&python, frame, &hops) == (void *)0x2001 && hops == 98);
    CHECK(alloctrace_frame_line(&python, (void *)0x2002) == 42 && alloctrace_frame_line(&python, frame) == -1);
    CHECK(alloctrace_frame_caller(&python, (void *)0x2001, &hops) == NULL);
}

static void put(uintptr_t object, unsigned offset, uintptr_t value)
{
    memcpy((char *)object + offset, &value, sizeof value);
}

/* Frames of 3.14, innermost first: one that has not begun, two of f, an entry trampoline, and one whose code is gone. */
void frames_are_left_out_counted_and_never_followed_for_ever(void)
{
    open_test_session(8u << 20);
    const struct layout *l = &layout_3_14;
    static uint64_t memory[5][16];
    uintptr_t frames[5], state[32] = {0}, code = fake_code("f.py", "f", 7, 16);
    int first_traceable = 2;
    struct alloctrace_python plain, careful;
    struct python_runtime runtime = fake_runtime->python;
    runtime.state = (uintptr_t)memory; /* no cookie in it */
    callstack_describe(&plain, &careful, &runtime);
    CHECK(!plain.threads_are_known && alloctrace_python_careful(&plain) == &careful && alloctrace_python_careful(&careful) == &careful);

    memcpy((char *)code + l->code.first_traceable, &first_traceable, sizeof first_traceable);
    for (int i = 0; i < 5; i++) {
        frames[i] = (uintptr_t)memory[i];
        put(frames[i], l->frame.code, i == 4 ? 0xdddddddddddddddd : code | 1); /* a tagged reference */
        put(frames[i], l->frame.position, code + l->code.bytecode + (i == 0 ? 0 : 8));
        put(frames[i], l->frame.previous, i < 4 ? (uintptr_t)memory[i + 1] : 0);
    }
    ((char *)memory[3])[l->frame.owner] = 3;
    put((uintptr_t)state, l->thread_state.frame, frames[0]);

    for (int k = 0; k < 2; k++) {
        const struct alloctrace_python *python = k ? &careful : &plain;
        struct alloctrace_frame stored[2];
        struct alloctrace_stack stack;
        put(frames[4], l->frame.previous, 0);
        CHECK(alloctrace_stack_collect(python, state, stored, 2, &stack) == 2);
        CHECK(stack.depth == 3 && stack.visited == 5 && !stack.endless);
        CHECK(stored[0].line == 7 && strcmp(stored[0].name, "f") == 0 && strcmp(stored[1].filename, "f.py") == 0 && stored[1].flags == 0);

        struct alloctrace_frame all[4];
        CHECK(alloctrace_stack_collect(python, state, all, 4, &stack) == 3);
        CHECK(all[2].flags == ALLOCTRACE_CODE_FREED && all[2].line < 0 && !*all[2].name && !*all[2].filename);

        put(frames[4], l->frame.previous, frames[1]); /* a cycle */
        CHECK(alloctrace_stack_collect(python, state, stored, 2, &stack) == 2);
        CHECK(stack.endless && stack.visited == ALLOCTRACE_MAX_HOPS);
    }

    /* Only the careful one survives what is not there. */
    struct alloctrace_stack stack;
    put(frames[4], l->frame.previous, 0x10000);
    CHECK(alloctrace_stack_collect(&careful, state, NULL, 0, &stack) == 0 && stack.depth == 3);
    put(frames[1], l->frame.code, 0x10000);
    CHECK(alloctrace_frame_borrow_code(&careful, (void *)frames[1]) == NULL && alloctrace_frame_line(&careful, (void *)frames[1]) < 0);
    put((uintptr_t)state, l->thread_state.frame, 0x10008);
    CHECK(alloctrace_stack_collect(&careful, state, NULL, 0, &stack) == 0 && stack.depth == 0);
    CHECK(alloctrace_stack_collect(&careful, (void *)0x10008, NULL, 0, &stack) == 0 && stack.depth == 0);
    put(code, l->code.filename, 0x10000);
    char name[8];
    CHECK(alloctrace_code_filename(&careful, (void *)code, name, sizeof name, NULL) == 0 && !*name);
}

/* ---- a thread that runs ---- */

static uint64_t running_frames[3][16], running_state[32];
static uintptr_t running_code;
static uint32_t run_on = 1;

/* Calls and returns, as an interpreter does it: plain stores, and what is gone is overwritten. */
static void *run(void *unused)
{
    const struct layout *l = &layout_3_14;
    while (__atomic_load_n(&run_on, __ATOMIC_RELAXED)) {
        put((uintptr_t)running_frames[0], l->frame.code, running_code);
        put((uintptr_t)running_frames[0], l->frame.position, running_code + l->code.bytecode + 8);
        put((uintptr_t)running_frames[0], l->frame.previous, (uintptr_t)running_frames[1]);
        put((uintptr_t)running_state, l->thread_state.frame, (uintptr_t)running_frames[0]);
        put((uintptr_t)running_state, l->thread_state.frame, (uintptr_t)running_frames[1]);
        put((uintptr_t)running_frames[0], l->frame.previous, 0x10000);
        put((uintptr_t)running_frames[0], l->frame.code, 0x12345670);
    }
    return unused;
}

void stacks_of_a_running_thread_are_read_without_harm(void)
{
    open_test_session(8u << 20);
    const struct layout *l = &layout_3_14;
    struct alloctrace_python plain, careful;
    struct python_runtime runtime = fake_runtime->python;
    runtime.state = (uintptr_t)running_state;
    callstack_describe(&plain, &careful, &runtime);
    running_code = fake_code("f.py", "f", 7, 16);
    for (int i = 1; i < 3; i++) {
        put((uintptr_t)running_frames[i], l->frame.code, running_code);
        put((uintptr_t)running_frames[i], l->frame.position, running_code + l->code.bytecode + 8);
    }
    put((uintptr_t)running_frames[1], l->frame.previous, (uintptr_t)running_frames[2]);
    put((uintptr_t)running_state, l->thread_state.frame, (uintptr_t)running_frames[1]);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
    for (int i = 0; i < 20000; i++) {
        struct alloctrace_frame frames[4];
        struct alloctrace_stack stack;
        alloctrace_stack_collect(&careful, running_state, frames, 4, &stack);
        CHECK(stack.depth >= 1 && stack.depth <= 3 && !stack.endless);
    }
    __atomic_store_n(&run_on, 0, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
}

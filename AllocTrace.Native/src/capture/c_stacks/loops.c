#include "capture/c_stacks/loops.h"

#include "platform/image.h"
#include "python/thread_state.h"

/* A variable in a loop's frame, on the list of a thread state. */
struct local {
    uintptr_t address; /* 0: there is none */
    bool is_last;
};

static uintptr_t first_local(const struct layout *layout, uintptr_t state)
{
    if (layout->thread_state.frame_is_indirect)
        return read_pointer(state, layout->thread_state.frame);
    uintptr_t frame = frame_innermost(layout, state);
    while (frame && !frame_is_entry(layout, frame))
        frame = frame_previous(layout, frame);
    return frame;
}

static uintptr_t next_local(const struct layout *layout, uintptr_t local)
{
    if (layout->thread_state.frame_is_indirect)
        return read_pointer(local, layout->thread_state.cframe_previous);
    do
        local = frame_previous(layout, local);
    while (local && !frame_is_entry(layout, local));
    return local;
}

/* The innermost loop's variable that is not inside of sp; 0: they all are. UINTPTR_MAX: the list has none on this stack. */
static uintptr_t local_outside(const struct layout *layout, uintptr_t state, uintptr_t sp, uintptr_t end)
{
    enum { CLOSE = 8 << 20 }; /* below sp on the same stack, mostly */
    bool is_here = false;
    for (uintptr_t local = first_local(layout, state); local; local = next_local(layout, local)) {
        if (local >= sp && local < end)
            return local;
        is_here = is_here || (local < sp && sp - local < CLOSE);
    }
    return is_here ? 0 : UINTPTR_MAX;
}

static bool has_list(const struct layout *layout)
{
    return layout->thread_state.frame_is_indirect || layout->first_owner_without_code;
}

enum unwind_mark loops_find(const struct traced_runtime *runtime, bool holds_gil, struct unwind_rule rule, const struct unwind_frame *frame,
                            uintptr_t end)
{
    const struct layout *layout = runtime->python.layout;
    if (!layout)
        return UNWIND_UNMARKED;
    bool can_be_loop = rule.kind == UNWIND_BY_SP || rule.kind == UNWIND_BY_FP;
    bool is_loop = can_be_loop && frame->pc - 1 - runtime->loop_begin < runtime->loop_end - runtime->loop_begin;
    if (can_be_loop && has_list(layout)) {
        bool attached;
        uintptr_t state = thread_state_of_call(layout, &runtime->python, holds_gil, &attached);
        uintptr_t cfa = unwind_cfa(rule, frame, end);
        uintptr_t local = state && cfa ? local_outside(layout, state, frame->sp, end) : UINTPTR_MAX;
        if (local == UINTPTR_MAX)
            return UNWIND_UNMARKED;
        is_loop = local != 0 && local < cfa;
    }
    enum unwind_mark mark = is_loop ? UNWIND_MARK_LOOP : UNWIND_MARK_OTHER;
    unwind_set_mark(frame->pc, rule, mark);
    return mark;
}

static bool find_loop(const struct image *image, void *context)
{
    struct traced_runtime *runtime = context;
    if (image->dynamic != runtime->python.image.dynamic)
        return false;
    uintptr_t loop = (uintptr_t)image_symbol(image, "_PyEval_EvalFrameDefault");
    if (loop && !unwind_function_of(loop, &runtime->loop_begin, &runtime->loop_end))
        runtime->loop_begin = runtime->loop_end = 0;
    return true;
}

void loops_begin(struct traced_runtime *runtime)
{
    if (runtime->python.layout && !has_list(runtime->python.layout))
        image_visit(find_loop, runtime);
}

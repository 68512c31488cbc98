/* Whole stacks, and all threads. */
#include "callstack/internal.h"

static void describe(const struct alloctrace_python *python, const void *frame, struct alloctrace_frame *described)
{
    const void *code = alloctrace_frame_borrow_code(python, frame);
    int cut_filename, cut_name;
    described->line = alloctrace_frame_line(python, frame);
    alloctrace_code_filename(python, code, described->filename, sizeof described->filename, &cut_filename);
    alloctrace_code_qualname(python, code, described->name, sizeof described->name, &cut_name);
    described->flags =
        (cut_filename ? ALLOCTRACE_FILENAME_CUT : 0u) | (cut_name ? ALLOCTRACE_NAME_CUT : 0u) | (code ? 0u : ALLOCTRACE_CODE_FREED);
}

uint32_t alloctrace_stack_collect(const struct alloctrace_python *python, const void *thread_state, struct alloctrace_frame *frames,
                                  uint32_t capacity, struct alloctrace_stack *result)
{
    uint32_t hops = ALLOCTRACE_MAX_HOPS;
    *result = (struct alloctrace_stack){0};
    const void *frame = alloctrace_frame_innermost(python, thread_state, &hops);
    for (; frame; frame = alloctrace_frame_caller(python, frame, &hops)) {
        if (result->count < capacity)
            describe(python, frame, &frames[result->count++]);
        result->depth++;
    }
    result->visited = ALLOCTRACE_MAX_HOPS - hops;
    result->endless = hops == 0;
    return result->count;
}

uint32_t alloctrace_threads_list(const struct alloctrace_python *python, struct alloctrace_thread_info *threads, uint32_t capacity)
{
    const struct python_runtime *runtime = &python->runtime;
    const struct layout *layout = runtime->layout;
    uintptr_t own = runtime->own_thread_state(), attached = (uintptr_t)alloctrace_thread_state_borrow(python, 0);
    uint32_t count = 0, hops = ALLOCTRACE_MAX_HOPS;
    if (!python->threads_are_known)
        return 0;
    uintptr_t interpreter = callstack_first_interpreter(python);
    for (; interpreter && hops; interpreter = callstack_next_interpreter(python, interpreter), hops--) {
        uintptr_t state = callstack_first_state(python, interpreter);
        for (; state && hops; state = callstack_next_state(python, state), hops--, count++)
            if (count < capacity)
                threads[count] = (struct alloctrace_thread_info){
                    .thread_state = (const void *)state,
                    .interpreter = read_size(interpreter, layout->interpreter.id),
                    .thread = read_pointer(state, layout->thread_state.thread_id),
                    .os_id = layout->thread_state.native_id ? read_uint(state, layout->thread_state.native_id) : 0,
                    .is_own = state == own || state == attached,
                };
    }
    return count;
}

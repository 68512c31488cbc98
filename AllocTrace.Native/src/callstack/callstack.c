/* The frames of a stack, one at a time. */
#include "callstack/internal.h"

#include "python/thread_state.h"

/* The frame itself if it is complete, or the first that is among its callers. */
static uintptr_t first_complete(const struct alloctrace_python *python, uintptr_t frame, uint32_t *hops)
{
    const struct layout *layout = python->runtime.layout;
    while (!callstack_looks_freed(frame) && *hops) {
        uintptr_t previous = callstack_previous(python, frame); /* first: what is looked at next may be freed meanwhile */
        --*hops;
        if (!frame_is_entry(layout, frame)) {
            uintptr_t code = callstack_code(python, frame);
            intptr_t first = code && layout->code.first_traceable ? 2 * (intptr_t)read_int(code, layout->code.first_traceable) : 0;
            if (!code || !frame_has_not_begun(layout, frame, callstack_offset(python, frame, code), first))
                return frame;
        }
        frame = previous;
    }
    return 0;
}

static uintptr_t first_complete_of_proposal(const struct python_proposal *proposal, uintptr_t frame, uint32_t *hops)
{
    while (frame && *hops) {
        --*hops;
        if (!proposal->is_incomplete || !proposal->is_incomplete(frame))
            return frame;
        frame = proposal->back(frame);
    }
    return 0;
}

const void *alloctrace_thread_state_borrow(const struct alloctrace_python *python, int holds_gil)
{
    bool attached;
    return (const void *)thread_state_of_call(python->runtime.layout, &python->runtime, holds_gil != 0, &attached);
}

const void *alloctrace_frame_innermost(const struct alloctrace_python *python, const void *thread_state, uint32_t *hops)
{
    if (callstack_looks_freed((uintptr_t)thread_state))
        return NULL;
    if (python->proposal.innermost)
        return (const void *)first_complete_of_proposal(&python->proposal, python->proposal.innermost((uintptr_t)thread_state), hops);
    return (const void *)first_complete(python, callstack_innermost(python, (uintptr_t)thread_state), hops);
}

const void *alloctrace_frame_caller(const struct alloctrace_python *python, const void *frame, uint32_t *hops)
{
    const struct python_proposal *proposal = &python->proposal;
    if (!frame || !*hops)
        return NULL;
    if (proposal->innermost) {
        uintptr_t caller = proposal->next_complete ? proposal->next_complete((uintptr_t)frame) : proposal->back((uintptr_t)frame);
        return (const void *)first_complete_of_proposal(proposal, caller, hops);
    }
    return (const void *)first_complete(python, callstack_previous(python, (uintptr_t)frame), hops);
}

const void *alloctrace_frame_borrow_code(const struct alloctrace_python *python, const void *frame)
{
    if (!frame)
        return NULL;
    if (python->proposal.code_safe)
        return (const void *)python->proposal.code_safe((uintptr_t)frame);
    if (frame_is_entry(python->runtime.layout, (uintptr_t)frame))
        return NULL;
    return (const void *)callstack_code(python, (uintptr_t)frame);
}

int32_t alloctrace_frame_line(const struct alloctrace_python *python, const void *frame)
{
    if (frame && python->proposal.line_safe)
        return python->proposal.line_safe((uintptr_t)frame);
    uintptr_t code = (uintptr_t)alloctrace_frame_borrow_code(python, frame);
    return code ? callstack_line(python, code, callstack_offset(python, (uintptr_t)frame, code)) : -1;
}

static size_t copy(const struct alloctrace_python *python, const void *code, uint16_t member, char *buffer, size_t size, int *truncated)
{
    bool cut;
    struct text_view text = code ? callstack_text(python, (uintptr_t)code, member) : (struct text_view){0};
    size_t length = text_encode(&text, buffer, size - 1, &cut);
    buffer[length] = '\0';
    if (truncated)
        *truncated = cut;
    return length;
}

size_t alloctrace_code_filename(const struct alloctrace_python *python, const void *code, char *buffer, size_t size, int *truncated)
{
    return copy(python, code, python->runtime.layout->code.filename, buffer, size, truncated);
}

size_t alloctrace_code_name(const struct alloctrace_python *python, const void *code, char *buffer, size_t size, int *truncated)
{
    return copy(python, code, python->runtime.layout->code.name, buffer, size, truncated);
}

size_t alloctrace_code_qualname(const struct alloctrace_python *python, const void *code, char *buffer, size_t size, int *truncated)
{
    const struct layout *layout = python->runtime.layout;
    return copy(python, code, layout->code.qualname ? layout->code.qualname : layout->code.name, buffer, size, truncated);
}

int32_t alloctrace_code_first_line(const struct alloctrace_python *python, const void *code)
{
    return code ? read_int((uintptr_t)code, python->runtime.layout->code.first_line) : -1;
}

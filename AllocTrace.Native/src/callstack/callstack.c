/* The frames of a stack, one at a time. */
#include "callstack/callstack.h"

#include "python/line_table.h"
#include "python/text.h"
#include "python/thread_state.h"

uintptr_t callstack_code(const struct python_runtime *runtime, uintptr_t frame)
{
    uintptr_t code = frame_code(runtime->layout, frame);
    if (callstack_looks_freed(read_pointer(frame, runtime->layout->frame.code)) || code % sizeof(uintptr_t) != 0)
        return 0;
    return read_pointer(code, runtime->layout->object.type) == runtime->code_type ? code : 0;
}

uint32_t callstack_bytecode_bytes(const struct layout *layout, uintptr_t code)
{
    if (layout->position_kind == POSITION_POINTER) {
        intptr_t units = read_size(code, layout->object.size);
        return units > 0 && units < INT32_MAX / 2 ? (uint32_t)units * 2 : 0;
    }
    uintptr_t bytecode = read_pointer(code, layout->code.bytecode); /* a bytes object */
    intptr_t bytes = callstack_looks_freed(bytecode) ? 0 : read_size(bytecode, layout->object.size);
    return bytes > 0 && bytes < INT32_MAX ? (uint32_t)bytes : 0;
}

intptr_t callstack_offset(const struct layout *layout, uintptr_t frame, uintptr_t code)
{
    if (layout->position_kind == POSITION_INDEX)
        return (intptr_t)read_int(frame, layout->frame.position) * layout->position_unit;
    return frame_offset(layout, frame, frame_position(layout, frame), code, callstack_bytecode_bytes(layout, code));
}

int32_t callstack_line(const struct layout *layout, uintptr_t code, intptr_t offset)
{
    int32_t first = read_int(code, layout->code.first_line);
    if (offset < 0)
        return first;
    uintptr_t table = read_pointer(code, layout->code.line_table);
    if ((size_t)offset >= callstack_bytecode_bytes(layout, code) || callstack_looks_freed(table))
        return -1;
    intptr_t length = read_size(table, layout->object.size);
    if (length < 0 || length > INT32_MAX)
        return -1;
    return line_table_line(layout->line_format, (const uint8_t *)table + layout->object.bytes_data, (size_t)length, first,
                           (size_t)offset / 2);
}

/* The frame itself if it is complete, or the first that is among its callers. */
static uintptr_t first_complete(const struct python_runtime *runtime, uintptr_t frame, uint32_t *hops)
{
    const struct layout *layout = runtime->layout;
    while (frame && !callstack_looks_freed(frame) && *hops) {
        uintptr_t previous = frame_previous(layout, frame); /* first: what is looked at next may be freed meanwhile */
        --*hops;
        if (!frame_is_entry(layout, frame)) {
            uintptr_t code = callstack_code(runtime, frame);
            intptr_t first = code && layout->code.first_traceable ? 2 * (intptr_t)read_int(code, layout->code.first_traceable) : 0;
            if (!code || !frame_has_not_begun(layout, frame, callstack_offset(layout, frame, code), first))
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
    return (const void *)first_complete(&python->runtime, frame_innermost(python->runtime.layout, (uintptr_t)thread_state), hops);
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
    return (const void *)first_complete(&python->runtime, frame_previous(python->runtime.layout, (uintptr_t)frame), hops);
}

const void *alloctrace_frame_borrow_code(const struct alloctrace_python *python, const void *frame)
{
    if (!frame)
        return NULL;
    if (python->proposal.code_safe)
        return (const void *)python->proposal.code_safe((uintptr_t)frame);
    if (frame_is_entry(python->runtime.layout, (uintptr_t)frame))
        return NULL;
    return (const void *)callstack_code(&python->runtime, (uintptr_t)frame);
}

int32_t alloctrace_frame_line(const struct alloctrace_python *python, const void *frame)
{
    if (frame && python->proposal.line_safe)
        return python->proposal.line_safe((uintptr_t)frame);
    uintptr_t code = (uintptr_t)alloctrace_frame_borrow_code(python, frame);
    const struct layout *layout = python->runtime.layout;
    return code ? callstack_line(layout, code, callstack_offset(layout, (uintptr_t)frame, code)) : -1;
}

static size_t copy(const struct alloctrace_python *python, const void *code, uint16_t field, char *buffer, size_t size, int *truncated)
{
    bool cut = false;
    size_t length = 0;
    uintptr_t text = code ? read_pointer((uintptr_t)code, field) : 0;
    if (!callstack_looks_freed(text) && text % sizeof(uintptr_t) == 0) {
        struct text_view view = text_view(&python->runtime, text);
        length = text_encode(&view, buffer, size - 1, &cut);
    }
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

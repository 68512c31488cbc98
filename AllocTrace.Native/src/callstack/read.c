/* Reads the interpreter's structures, each after a check that it can be read (callstack_can_read). */
#include "callstack/internal.h"

#include "python/line_table.h"

enum { THREAD_STATE_BYTES = 200, INTERPRETER_BYTES = 7608 };

/* ---- frames ---- */

/* Returns true for a frame that runs code or is an entry trampoline, rather than other data in its place. */
static bool is_plausible(const struct alloctrace_python *python, uintptr_t frame)
{
    if (frame % sizeof(uintptr_t) != 0 || !callstack_can_read(python, frame, CALLSTACK_FRAME_BYTES))
        return false;
    return frame_is_entry(python->runtime.layout, frame) || callstack_code(python, frame);
}

/* 3.11 and 3.12: _PyEval_EvalFrameDefault makes a _PyCFrame the thread's before it fills it in. A signal may come in between: then the
 * frames are those of the one before. */
static uintptr_t innermost_of_cframes(const struct alloctrace_python *python, uintptr_t cframe)
{
    const struct layout *layout = python->runtime.layout;
    enum { CFRAME_BYTES = 24, TRIES = 3 };
    for (int tries = 0; tries < TRIES && callstack_can_read(python, cframe, CFRAME_BYTES); tries++) {
        uintptr_t frame = read_pointer(cframe, layout->thread_state.cframe_frame);
        if (!frame || is_plausible(python, frame))
            return frame;
        cframe = read_pointer(cframe, layout->thread_state.cframe_previous);
    }
    return 0;
}

uintptr_t callstack_innermost(const struct alloctrace_python *python, uintptr_t thread_state)
{
    const struct layout *layout = python->runtime.layout;
    if (!callstack_can_read(python, thread_state, THREAD_STATE_BYTES))
        return 0;
    if (layout->thread_state.frame_is_indirect && python->is_careful)
        return innermost_of_cframes(python, read_pointer(thread_state, layout->thread_state.frame));
    uintptr_t frame = frame_innermost(layout, thread_state);
    return !python->is_careful || callstack_can_read(python, frame, CALLSTACK_FRAME_BYTES) ? frame : 0;
}

uintptr_t callstack_previous(const struct alloctrace_python *python, uintptr_t frame)
{
    uintptr_t previous = frame_previous(python->runtime.layout, frame);
    bool can_be_one =
        !python->is_careful || (previous % sizeof(uintptr_t) == 0 && callstack_can_read(python, previous, CALLSTACK_FRAME_BYTES));
    return can_be_one ? previous : 0;
}

/* ---- code ---- */

uintptr_t callstack_code(const struct alloctrace_python *python, uintptr_t frame)
{
    const struct python_runtime *runtime = &python->runtime;
    uintptr_t code = frame_code(runtime->layout, frame);
    if (callstack_looks_freed(read_pointer(frame, runtime->layout->frame.code)) || code % sizeof(uintptr_t) != 0
        || !callstack_can_read(python, code, CALLSTACK_CODE_BYTES))
        return 0;
    return read_pointer(code, runtime->layout->object.type) == runtime->code_type ? code : 0;
}

/* Returns the number of bytes, or 0 if it cannot be determined. */
static uint32_t bytecode_bytes(const struct alloctrace_python *python, uintptr_t code)
{
    const struct layout *layout = python->runtime.layout;
    if (layout->position_kind == POSITION_POINTER) {
        intptr_t units = read_size(code, layout->object.size);
        return units > 0 && units < INT32_MAX / 2 ? (uint32_t)units * 2 : 0;
    }
    uintptr_t bytecode = read_pointer(code, layout->code.bytecode); /* a bytes object */
    intptr_t bytes = callstack_can_read(python, bytecode, layout->object.bytes_data) ? read_size(bytecode, layout->object.size) : 0;
    return bytes > 0 && bytes < INT32_MAX ? (uint32_t)bytes : 0;
}

intptr_t callstack_offset(const struct alloctrace_python *python, uintptr_t frame, uintptr_t code)
{
    const struct layout *layout = python->runtime.layout;
    if (layout->position_kind == POSITION_INDEX)
        return (intptr_t)read_int(frame, layout->frame.position) * layout->position_unit;
    return frame_offset(layout, frame, frame_position(layout, frame), code, bytecode_bytes(python, code));
}

int32_t callstack_line(const struct alloctrace_python *python, uintptr_t code, intptr_t offset)
{
    const struct layout *layout = python->runtime.layout;
    int32_t first = read_int(code, layout->code.first_line);
    if (offset < 0)
        return first;
    uintptr_t table = read_pointer(code, layout->code.line_table), data = table + layout->object.bytes_data;
    if ((size_t)offset >= bytecode_bytes(python, code) || !callstack_can_read(python, table, layout->object.bytes_data))
        return -1;
    intptr_t length = read_size(table, layout->object.size);
    if (length < 0 || length > INT32_MAX || (length > 0 && !callstack_can_read(python, data, (size_t)length)))
        return -1;
    return line_table_line(layout->line_format, (const uint8_t *)data, (size_t)length, first, (size_t)offset / 2);
}

struct text_view callstack_text(const struct alloctrace_python *python, uintptr_t code, uint16_t member)
{
    const struct text_view none = {0};
    uintptr_t text = read_pointer(code, member);
    if (text % sizeof(uintptr_t) != 0 || !callstack_can_read(python, text, CALLSTACK_OBJECT_BYTES))
        return none;
    uintptr_t type = read_pointer(text, python->runtime.layout->object.type);
    if (type != python->runtime.unicode_type && !callstack_can_read(python, type, CALLSTACK_TYPE_BYTES))
        return none;
    struct text_view view = text_view(&python->runtime, text);
    bool is_there = !python->is_careful || view.length == 0
                    || (view.length < INT32_MAX && callstack_can_read(python, (uintptr_t)view.data, view.length * view.kind));
    return is_there ? view : none;
}

/* ---- lists ---- */

static uintptr_t if_readable(const struct alloctrace_python *python, uintptr_t address, size_t size)
{
    return callstack_can_read(python, address, size) ? address : 0;
}

uintptr_t callstack_first_interpreter(const struct alloctrace_python *python)
{
    return if_readable(python, read_pointer(python->runtime.state, python->runtime.layout->runtime_interpreters), INTERPRETER_BYTES);
}

uintptr_t callstack_next_interpreter(const struct alloctrace_python *python, uintptr_t interpreter)
{
    return if_readable(python, read_pointer(interpreter, python->runtime.layout->interpreter.next), INTERPRETER_BYTES);
}

uintptr_t callstack_first_state(const struct alloctrace_python *python, uintptr_t interpreter)
{
    return if_readable(python, read_pointer(interpreter, python->runtime.layout->interpreter.threads), THREAD_STATE_BYTES);
}

uintptr_t callstack_next_state(const struct alloctrace_python *python, uintptr_t state)
{
    return if_readable(python, read_pointer(state, python->runtime.layout->thread_state.next), THREAD_STATE_BYTES);
}

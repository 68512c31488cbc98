#include "python/self_check.h"

#include "python/line_table.h"
#include "python/text.h"
#include "python/thread_state.h"

static enum self_check_result fail(const char *what, const char **failure)
{
    *failure = what;
    return SELF_CHECK_FAILED;
}

/* The offset in bytes of the frame's instruction. Frames in a per-thread copy of the bytecode are left to the copy's own check. */
static intptr_t offset_of(const struct layout *layout, uintptr_t frame, uintptr_t code)
{
    if (layout->position_kind == POSITION_INDEX)
        return (intptr_t)read_int(frame, layout->frame.position) * layout->position_unit;
    return (intptr_t)(read_pointer(frame, layout->frame.position) - (code + layout->code.bytecode));
}

static int line_at(const struct layout *layout, uintptr_t code, intptr_t offset)
{
    int32_t first = read_int(code, layout->code.first_line), line;
    uintptr_t table = read_pointer(code, layout->code.line_table);
    if (offset < 0)
        return first;
    line_table_decode(layout->line_format, (const uint8_t *)table + layout->object.bytes_data,
                      (size_t)read_size(table, layout->object.size), first, (size_t)offset / 2, 1, &line);
    return line;
}

enum self_check_result self_check(const struct python_runtime *python, bool holds_gil, const char **failure)
{
    const struct layout *layout = python->layout;
    bool attached;
    uintptr_t state = thread_state_of_call(layout, python, holds_gil, &attached);
    uintptr_t innermost = state && attached ? frame_innermost(layout, state) : 0, frame = innermost;
    if (!frame)
        return SELF_CHECK_NOTHING_SEEN;

    for (; frame; frame = frame_previous(layout, frame)) {
        if (frame_is_entry(layout, frame))
            continue;
        uintptr_t code = frame_code(layout, frame);
        if (!code || read_pointer(code, layout->object.type) != python->code_type)
            return fail("a frame's code is not a code object", failure);
        intptr_t offset = offset_of(layout, frame, code);
        if (!frame_has_not_begun(layout, frame, offset,
                                 layout->code.first_traceable ? 2 * read_int(code, layout->code.first_traceable) : 0))
            break;
    }
    if (!frame)
        return SELF_CHECK_NOTHING_SEEN;

    uintptr_t code = frame_code(layout, frame), globals = python->eval_get_globals();
    /* 3.11 answers for the innermost frame even when that has not begun. */
    if (globals != read_pointer(frame, layout->frame.globals) && globals != read_pointer(innermost, layout->frame.globals))
        return fail("PyEval_GetGlobals sees another frame", failure);
    if (!text_is_str(python, read_pointer(code, layout->code.filename)) || !text_is_str(python, read_pointer(code, layout->code.name)))
        return fail("a code object's names are not str", failure);
    intptr_t offset = offset_of(layout, frame, code);
    if (offset >= 0 && offset < INT32_MAX && !layout->code.bytecode_copies) {
        int theirs = python->code_address_to_line(code, (int)offset), ours = line_at(layout, code, offset);
        if ((theirs < 0 ? 0 : theirs) != ours)
            return fail("PyCode_Addr2Line gives another line", failure);
    }
    return SELF_CHECK_AGREED;
}

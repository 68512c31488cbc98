#include "python/layout.h"

#include <stddef.h>
#include <string.h>

const struct layout *layout_find(unsigned minor, bool free_threaded)
{
#define CANDIDATE(name)                                                                                                                    \
    if (layout_##name.minor == minor && layout_##name.free_threaded == free_threaded)                                                      \
        return &layout_##name;
    LAYOUTS(CANDIDATE)
#undef CANDIDATE
    return NULL;
}

/* The place of a field's offset in _Py_DebugOffsets (Include/internal/pycore_debug_offsets.h), by minor version; 0: it does not have it. */
struct debug_offset {
    const char *field;
    size_t ours; /* offset in struct layout */
    uint16_t position[3];
};

#define OURS(member) offsetof(struct layout, member)

static const struct debug_offset debug_offsets[] = {
    /*                                                            3.13 3.14 3.15 */
    {"runtime_state.finalizing", OURS(runtime_finalizing), {32, 32, 32}},
    {"thread_state.interp", OURS(thread_state.interpreter), {176, 200, 200}},
    {"thread_state.current_frame", OURS(thread_state.frame), {184, 208, 208}},
    {"thread_state.last_profiled_frame", OURS(thread_state.last_profiled), {0, 0, 224}},
    {"thread_state.last_profiled_frame_seq", OURS(thread_state.last_profiled_count), {0, 0, 232}},
    {"thread_state.thread_id", OURS(thread_state.thread_id), {192, 216, 240}},
    {"interpreter_frame.previous", OURS(frame.previous), {232, 256, 320}},
    {"interpreter_frame.executable", OURS(frame.code), {240, 264, 328}},
    {"interpreter_frame.instr_ptr", OURS(frame.position), {248, 272, 336}},
    {"interpreter_frame.owner", OURS(frame.owner), {264, 288, 352}},
    {"code_object.filename", OURS(code.filename), {280, 320, 384}},
    {"code_object.name", OURS(code.name), {288, 328, 392}},
    {"code_object.qualname", OURS(code.qualname), {296, 336, 400}},
    {"code_object.linetable", OURS(code.line_table), {304, 344, 408}},
    {"code_object.firstlineno", OURS(code.first_line), {312, 352, 416}},
    {"code_object.co_code_adaptive", OURS(code.bytecode), {344, 384, 448}},
    {"pyobject.ob_type", OURS(object.type), {360, 408, 472}},
    {"bytes_object.ob_size", OURS(object.size), {520, 600, 696}},
    {"bytes_object.ob_sval", OURS(object.bytes_data), {528, 608, 704}},
    {"unicode_object.state", OURS(object.text_state), {544, 624, 720}},
    {"unicode_object.length", OURS(object.text_length), {552, 632, 728}},
    {"unicode_object.asciiobject_size", OURS(object.ascii_data), {560, 640, 736}},
    {"unicode_object.compactunicodeobject_size", OURS(object.compact_data), {0, 0, 744}},
};

static const struct debug_offset thread_debug_offsets[] = {
    {"runtime_state.interpreters_head", OURS(runtime_interpreters), {40, 40, 40}},
    {"interpreter_state.id", OURS(interpreter.id), {56, 56, 56}},
    {"interpreter_state.next", OURS(interpreter.next), {64, 64, 64}},
    {"interpreter_state.threads_head", OURS(interpreter.threads), {72, 72, 72}},
    {"thread_state.next", OURS(thread_state.next), {168, 192, 192}},
    {"thread_state.native_thread_id", OURS(thread_state.native_id), {200, 224, 248}},
};

/* Fields that only free-threaded builds use; without the GIL these are set. */
static const struct debug_offset free_threaded_debug_offsets[] = {
    {"interpreter_frame.tlbc_index", OURS(frame.bytecode_copy), {0, 304, 368}},
    {"code_object.co_tlbc", OURS(code.bytecode_copies), {0, 392, 456}},
};

static uint64_t published(const void *runtime, uint16_t position)
{
    uint64_t value;
    memcpy(&value, (const char *)runtime + position, sizeof value);
    return value;
}

static bool all_match(const struct debug_offset *offsets, size_t count, const struct layout *layout, const void *runtime,
                      const char **field)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t ours, position = offsets[i].position[layout->minor - 13];
        memcpy(&ours, (const char *)layout + offsets[i].ours, sizeof ours);
        if (position != 0 && published(runtime, position) != ours) {
            *field = offsets[i].field;
            return false;
        }
    }
    return true;
}

bool layout_matches_debug_offsets(const struct layout *layout, const void *runtime, const char **field)
{
    if (layout->minor < 13)
        return true;
    if (memcmp(runtime, "xdebugpy", 8) != 0) {
        *field = "cookie";
        return false;
    }
    if (((published(runtime, 8) >> 16) & 0xff) != layout->minor) {
        *field = "version";
        return false;
    }
    if ((published(runtime, 16) != 0) != layout->free_threaded) {
        *field = "free_threaded";
        return false;
    }
    if (!all_match(debug_offsets, sizeof debug_offsets / sizeof *debug_offsets, layout, runtime, field))
        return false;
    return !layout->free_threaded
           || all_match(free_threaded_debug_offsets, sizeof free_threaded_debug_offsets / sizeof *free_threaded_debug_offsets, layout,
                        runtime, field);
}

bool layout_of_threads_matches_debug_offsets(const struct layout *layout, const void *runtime, const char **field)
{
    return layout->minor < 13
           || all_match(thread_debug_offsets, sizeof thread_debug_offsets / sizeof *thread_debug_offsets, layout, runtime, field);
}

/* layout.h: where each CPython keeps what the frame walk reads. Offsets are bytes from the start of the structure.
 *
 * A table is needed because no public API walks frames without allocating. It is small, it has not changed within a minor version since 3.8
 * (checked from headers: docs/adding-a-cpython.md says how), 3.13 and later publish most of it in _Py_DebugOffsets, against which it is
 * verified at start, and the first walks are compared with the public API (self_check.h) before stacks are called "on".
 *
 * The tables are constants in a header so that the walk can be compiled once for each layout, with every offset an immediate.
 */
#ifndef ALLOCTRACE_LAYOUT_H
#define ALLOCTRACE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

enum line_format {
    LINES_LNOTAB,    /* 3.8, 3.9: Objects/lnotab_notes.txt */
    LINES_LINETABLE, /* 3.10: the same file, PEP 626 */
    LINES_LOCATIONS, /* 3.11 and later: Objects/locations.md, later InternalDocs/code_objects.md */
};

enum position_kind {
    POSITION_INDEX,   /* 3.8 to 3.10: frame.position is an int, an index into the bytecode (in position_unit bytes) */
    POSITION_POINTER, /* frame.position points into the bytecode */
};

struct layout {
    uint8_t minor;
    bool free_threaded;

    enum position_kind position_kind;
    uint8_t position_unit;
    enum line_format line_format;
    uint8_t first_owner_without_code; /* frames with this owner or a higher one are entry trampolines; 0: there are none */
    uint8_t generator_owner;          /* 3.11 and later: frames with this owner have begun, whatever their position; 0: no such rule */
    uint8_t executable_tags;          /* bits of frame.code that are not part of the address */

    struct {
        uint16_t next, interpreter, frame, thread_id;
        uint16_t native_id;     /* the system's id of the thread; 0: there is none */
        bool frame_is_indirect; /* 3.11, 3.12: frame is a _PyCFrame* and cframe_frame the offset in it */
        uint16_t cframe_frame, cframe_previous;
        uint16_t last_profiled, last_profiled_count; /* 3.15 and later: see anchor.h; 0: there is none */
        uint16_t data_stack;                         /* 3.11 to 3.14: the chunk in use, see data_stack.h; 0: there is none */
        uint16_t tracing;                            /* int: a trace function runs; only with one of the above */
    } thread_state;

    struct {
        uint16_t next, id, threads;
        uint16_t collecting; /* int: its garbage collector runs; 0: to 3.9, where nothing asks for it */
    } interpreter;

    struct {
        uint16_t previous, code, position, globals, builtins, owner, bytecode_copy;
    } frame;

    struct {
        uint16_t first_line, filename, name, qualname; /* qualname 0: there is none */
        uint16_t line_table, first_traceable, bytecode;
        uint16_t bytecode_copies; /* free-threaded 3.14 and later: _PyCodeArray*; 0: there is none */
    } code;

    struct {
        uint16_t type, size, bytes_data;
        uint16_t text_length, text_state, ascii_data, compact_data;
        uint8_t kind_shift;
    } object;

    uint16_t runtime_finalizing;   /* in _PyRuntime: PyThreadState*, not NULL once finalization began */
    uint16_t runtime_interpreters; /* in _PyRuntime: the first PyInterpreterState* */
};

#define OBJECTS_WITH_GIL(ascii, compact)                                                                                                   \
    {                                                                                                                                      \
        .type = 8, .size = 16, .bytes_data = 32, .text_length = 16, .text_state = 32, .ascii_data = ascii, .compact_data = compact,        \
        .kind_shift = 2                                                                                                                    \
    }
#define OBJECTS_WITHOUT_GIL(shift)                                                                                                         \
    {                                                                                                                                      \
        .type = 24, .size = 32, .bytes_data = 48, .text_length = 32, .text_state = 48, .ascii_data = 56, .compact_data = 72,               \
        .kind_shift = shift                                                                                                                \
    }
#define THREAD_STATE_TO_3_10                                                                                                               \
    {                                                                                                                                      \
        .next = 8, .interpreter = 16, .frame = 24, .thread_id = 176                                                                        \
    }
#define THREAD_STATE_3_13                                                                                                                  \
    {                                                                                                                                      \
        .next = 8, .interpreter = 16, .frame = 72, .thread_id = 152, .native_id = 160, .data_stack = 232, .tracing = 60                    \
    }
#define THREAD_STATE_3_15                                                                                                                  \
    {                                                                                                                                      \
        .next = 8, .interpreter = 16, .frame = 72, .thread_id = 176, .native_id = 184, .last_profiled = 88, .last_profiled_count = 96,     \
        .tracing = 64                                                                                                                      \
    }
#define CODE_TO_3_10                                                                                                                       \
    {                                                                                                                                      \
        .first_line = 40, .filename = 104, .name = 112, .line_table = 120, .bytecode = 48                                                  \
    }
#define FRAMES_FROM_3_12(owner_, copy)                                                                                                     \
    {                                                                                                                                      \
        .previous = 8, .code = 0, .position = 56, .globals = 24, .builtins = 32, .owner = owner_, .bytecode_copy = copy                    \
    }

static const struct layout layout_3_8 = {
    .minor = 8,
    .position_kind = POSITION_INDEX,
    .position_unit = 1,
    .line_format = LINES_LNOTAB,
    .thread_state = THREAD_STATE_TO_3_10,
    .interpreter = {.next = 0, .id = 16, .threads = 8},
    .frame = {.previous = 24, .code = 32, .position = 104, .globals = 48, .builtins = 40},
    .code = CODE_TO_3_10,
    .object = OBJECTS_WITH_GIL(48, 72),
    .runtime_finalizing = 16,
    .runtime_interpreters = 32,
};

static const struct layout layout_3_9 = {
    .minor = 9,
    .position_kind = POSITION_INDEX,
    .position_unit = 1,
    .line_format = LINES_LNOTAB,
    .thread_state = THREAD_STATE_TO_3_10,
    .interpreter = {.next = 0, .id = 24, .threads = 8},
    .frame = {.previous = 24, .code = 32, .position = 104, .globals = 48, .builtins = 40},
    .code = CODE_TO_3_10,
    .object = OBJECTS_WITH_GIL(48, 72),
    .runtime_finalizing = 16,
    .runtime_interpreters = 32,
};

static const struct layout layout_3_10 = {
    .minor = 10,
    .position_kind = POSITION_INDEX,
    .position_unit = 2,
    .line_format = LINES_LINETABLE,
    .thread_state = THREAD_STATE_TO_3_10,
    .interpreter = {.next = 0, .id = 24, .threads = 8, .collecting = 816},
    .frame = {.previous = 24, .code = 32, .position = 96, .globals = 48, .builtins = 40},
    .code = CODE_TO_3_10,
    .object = OBJECTS_WITH_GIL(48, 72),
    .runtime_finalizing = 16,
    .runtime_interpreters = 32,
};

static const struct layout layout_3_11 = {
    .minor = 11,
    .position_kind = POSITION_POINTER,
    .line_format = LINES_LOCATIONS,
    .generator_owner = 1,
    .thread_state = {.next = 8,
                     .interpreter = 16,
                     .frame = 56,
                     .frame_is_indirect = true,
                     .cframe_frame = 8,
                     .cframe_previous = 16,
                     .thread_id = 152,
                     .native_id = 160,
                     .data_stack = 296,
                     .tracing = 44},
    .interpreter = {.next = 0, .id = 48, .threads = 16, .collecting = 848},
    .frame = {.previous = 48, .code = 32, .position = 56, .globals = 8, .builtins = 16, .owner = 69},
    .code = {.first_line = 72, .filename = 112, .name = 120, .qualname = 128, .line_table = 136, .first_traceable = 168, .bytecode = 184},
    .object = OBJECTS_WITH_GIL(48, 72),
    .runtime_finalizing = 24,
    .runtime_interpreters = 40,
};

static const struct layout layout_3_12 = {
    .minor = 12,
    .position_kind = POSITION_POINTER,
    .line_format = LINES_LOCATIONS,
    .first_owner_without_code = 3,
    .generator_owner = 1,
    .thread_state = {.next = 8,
                     .interpreter = 16,
                     .frame = 56,
                     .frame_is_indirect = true,
                     .cframe_frame = 0,
                     .cframe_previous = 8,
                     .thread_id = 136,
                     .native_id = 144,
                     .data_stack = 232,
                     .tracing = 44},
    .interpreter = {.next = 0, .id = 8, .threads = 72, .collecting = 312},
    .frame = FRAMES_FROM_3_12(70, 0),
    .code = {.first_line = 68, .filename = 112, .name = 120, .qualname = 128, .line_table = 136, .first_traceable = 176, .bytecode = 192},
    .object = OBJECTS_WITH_GIL(40, 56),
    .runtime_finalizing = 24,
    .runtime_interpreters = 40,
};

static const struct layout layout_3_13 = {
    .minor = 13,
    .position_kind = POSITION_POINTER,
    .line_format = LINES_LOCATIONS,
    .first_owner_without_code = 3,
    .generator_owner = 1,
    .thread_state = THREAD_STATE_3_13,
    .interpreter = {.next = 7264, .id = 7272, .threads = 7344, .collecting = 7600},
    .frame = FRAMES_FROM_3_12(70, 0),
    .code = {.first_line = 68, .filename = 112, .name = 120, .qualname = 128, .line_table = 136, .first_traceable = 184, .bytecode = 200},
    .object = OBJECTS_WITH_GIL(40, 56),
    .runtime_finalizing = 608,
    .runtime_interpreters = 632,
};

static const struct layout layout_3_13t = {
    .minor = 13,
    .free_threaded = true,
    .position_kind = POSITION_POINTER,
    .line_format = LINES_LOCATIONS,
    .first_owner_without_code = 3,
    .generator_owner = 1,
    .thread_state = THREAD_STATE_3_13,
    .interpreter = {.next = 7264, .id = 7272, .threads = 7344, .collecting = 7600},
    .frame = FRAMES_FROM_3_12(70, 0),
    .code = {.first_line = 84, .filename = 128, .name = 136, .qualname = 144, .line_table = 152, .first_traceable = 200, .bytecode = 216},
    .object = OBJECTS_WITHOUT_GIL(2),
    .runtime_finalizing = 608,
    .runtime_interpreters = 632,
};

static const struct layout layout_3_14 = {
    .minor = 14,
    .position_kind = POSITION_POINTER,
    .line_format = LINES_LOCATIONS,
    .first_owner_without_code = 3,
    .generator_owner = 1,
    .executable_tags = 3,
    .thread_state = THREAD_STATE_3_13,
    .interpreter = {.next = 7272, .id = 7280, .threads = 7344, .collecting = 7600},
    .frame = FRAMES_FROM_3_12(74, 0),
    .code = {.first_line = 68, .filename = 112, .name = 120, .qualname = 128, .line_table = 136, .first_traceable = 192, .bytecode = 208},
    .object = OBJECTS_WITH_GIL(40, 56),
    .runtime_finalizing = 784,
    .runtime_interpreters = 808,
};

static const struct layout layout_3_14t = {
    .minor = 14,
    .free_threaded = true,
    .position_kind = POSITION_POINTER,
    .line_format = LINES_LOCATIONS,
    .first_owner_without_code = 3,
    .generator_owner = 1,
    .executable_tags = 3,
    .thread_state = THREAD_STATE_3_13,
    .interpreter = {.next = 7272, .id = 7280, .threads = 7344, .collecting = 7600},
    .frame = FRAMES_FROM_3_12(78, 72),
    .code = {.first_line = 84,
             .filename = 128,
             .name = 136,
             .qualname = 144,
             .line_table = 152,
             .first_traceable = 208,
             .bytecode = 232,
             .bytecode_copies = 224},
    .object = OBJECTS_WITHOUT_GIL(8),
    .runtime_finalizing = 784,
    .runtime_interpreters = 808,
};

static const struct layout layout_3_15 = {
    .minor = 15,
    .position_kind = POSITION_POINTER,
    .line_format = LINES_LOCATIONS,
    .first_owner_without_code = 3,
    .generator_owner = 1,
    .executable_tags = 3,
    .thread_state = THREAD_STATE_3_15,
    .interpreter = {.next = 7264, .id = 7272, .threads = 7336, .collecting = 7512},
    .frame = FRAMES_FROM_3_12(74, 0),
    .code = {.first_line = 68, .filename = 112, .name = 120, .qualname = 128, .line_table = 136, .first_traceable = 192, .bytecode = 208},
    .object = OBJECTS_WITH_GIL(40, 56),
    .runtime_finalizing = 912,
    .runtime_interpreters = 936,
};

static const struct layout layout_3_15t = {
    .minor = 15,
    .free_threaded = true,
    .position_kind = POSITION_POINTER,
    .line_format = LINES_LOCATIONS,
    .first_owner_without_code = 3,
    .generator_owner = 1,
    .executable_tags = 3,
    .thread_state = THREAD_STATE_3_15,
    .interpreter = {.next = 7264, .id = 7272, .threads = 7336, .collecting = 7512},
    .frame = FRAMES_FROM_3_12(78, 72),
    .code = {.first_line = 84,
             .filename = 128,
             .name = 136,
             .qualname = 144,
             .line_table = 152,
             .first_traceable = 208,
             .bytecode = 232,
             .bytecode_copies = 224},
    .object = OBJECTS_WITHOUT_GIL(8),
    .runtime_finalizing = 912,
    .runtime_interpreters = 936,
};

/* Every layout, for what is done once for each: X(name). */
#define LAYOUTS(X) X(3_8) X(3_9) X(3_10) X(3_11) X(3_12) X(3_13) X(3_13t) X(3_14) X(3_14t) X(3_15) X(3_15t)

/* The layout of a minor version of CPython 3, or NULL. */
const struct layout *layout_find(unsigned minor, bool free_threaded);

/* Compares a layout with the _Py_DebugOffsets at the start of _PyRuntime (3.13 and later; true for older ones, which have none). When they
 * differ: false, and the name of the first field that does in *field. */
bool layout_matches_debug_offsets(const struct layout *layout, const void *runtime, const char **field);

/* The same for the fields by which other threads and interpreters are found. */
bool layout_of_threads_matches_debug_offsets(const struct layout *layout, const void *runtime, const char **field);

#endif

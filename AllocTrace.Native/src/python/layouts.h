/* layouts.h: the layout of each CPython, by family. A family has the common fields of its members, and each table the others. Part of
 * layout.h. */
#ifndef ALLOCTRACE_LAYOUTS_H
#define ALLOCTRACE_LAYOUTS_H

/* ---- parts that several families share ---- */

#define OBJECTS_WITH_GIL(ascii, compact)                                                                                                   \
    .object = {.type = 8,                                                                                                                  \
               .size = 16,                                                                                                                 \
               .bytes_data = 32,                                                                                                           \
               .text_length = 16,                                                                                                          \
               .text_state = 32,                                                                                                           \
               .ascii_data = ascii,                                                                                                        \
               .compact_data = compact,                                                                                                    \
               .kind_shift = 2}
#define OBJECTS_WITHOUT_GIL(shift)                                                                                                         \
    .object = {.type = 24,                                                                                                                 \
               .size = 32,                                                                                                                 \
               .bytes_data = 48,                                                                                                           \
               .text_length = 32,                                                                                                          \
               .text_state = 48,                                                                                                           \
               .ascii_data = 56,                                                                                                           \
               .compact_data = 72,                                                                                                         \
               .kind_shift = shift}
#define FRAMES_FROM_3_12(owner_, copy)                                                                                                     \
    .frame = {.previous = 8, .code = 0, .position = 56, .globals = 24, .builtins = 32, .owner = owner_, .bytecode_copy = copy}
#define THREAD_STATE_3_13                                                                                                                  \
    .thread_state = {.next = 8, .interpreter = 16, .frame = 72, .thread_id = 152, .native_id = 160, .data_stack = 232, .tracing = 60}
#define THREAD_STATE_3_15                                                                                                                  \
    .thread_state = {.next = 8,                                                                                                            \
                     .interpreter = 16,                                                                                                    \
                     .frame = 72,                                                                                                          \
                     .thread_id = 176,                                                                                                     \
                     .native_id = 184,                                                                                                     \
                     .last_profiled = 88,                                                                                                  \
                     .last_profiled_count = 96,                                                                                            \
                     .tracing = 64}
#define CODE_FROM_3_12(traceable, bytecode_)                                                                                               \
    .code = {.first_line = 68,                                                                                                             \
             .filename = 112,                                                                                                              \
             .name = 120,                                                                                                                  \
             .qualname = 128,                                                                                                              \
             .line_table = 136,                                                                                                            \
             .first_traceable = traceable,                                                                                                 \
             .bytecode = bytecode_}
#define CODE_WITHOUT_GIL(traceable, bytecode_, copies)                                                                                     \
    .code = {.first_line = 84,                                                                                                             \
             .filename = 128,                                                                                                              \
             .name = 136,                                                                                                                  \
             .qualname = 144,                                                                                                              \
             .line_table = 152,                                                                                                            \
             .first_traceable = traceable,                                                                                                 \
             .bytecode = bytecode_,                                                                                                        \
             .bytecode_copies = copies}
#define LOCATIONS_FROM_3_11 .position_kind = POSITION_POINTER, .line_format = LINES_LOCATIONS, .generator_owner = 1

/* ---- to 3.10: frames are objects, positions are indices ---- */

#define FAMILY_TO_3_10(position_)                                                                                                          \
    .position_kind = POSITION_INDEX, .thread_state = {.next = 8, .interpreter = 16, .frame = 24, .thread_id = 176},                        \
    .frame = {.previous = 24, .code = 32, .position = position_, .globals = 48, .builtins = 40},                                           \
    .code = {.first_line = 40, .filename = 104, .name = 112, .line_table = 120, .bytecode = 48}, OBJECTS_WITH_GIL(48, 72),                 \
    .runtime_finalizing = 16, .runtime_interpreters = 32

static const struct layout layout_3_8 = {
    .minor = 8,
    FAMILY_TO_3_10(104),
    .position_unit = 1,
    .line_format = LINES_LNOTAB,
    .interpreter = {.next = 0, .id = 16, .threads = 8},
};

static const struct layout layout_3_9 = {
    .minor = 9,
    FAMILY_TO_3_10(104),
    .position_unit = 1,
    .line_format = LINES_LNOTAB,
    .interpreter = {.next = 0, .id = 24, .threads = 8},
};

static const struct layout layout_3_10 = {
    .minor = 10,
    FAMILY_TO_3_10(96),
    .position_unit = 2,
    .line_format = LINES_LINETABLE,
    .interpreter = {.next = 0, .id = 24, .threads = 8, .collecting = 816},
};

/* ---- 3.11 and 3.12: frames lie on the data stack, and a _PyCFrame leads to them ---- */

#define FAMILY_3_11_AND_3_12 LOCATIONS_FROM_3_11, .runtime_finalizing = 24, .runtime_interpreters = 40

static const struct layout layout_3_11 = {
    .minor = 11,
    FAMILY_3_11_AND_3_12,
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
    OBJECTS_WITH_GIL(48, 72),
};

static const struct layout layout_3_12 = {
    .minor = 12,
    FAMILY_3_11_AND_3_12,
    .first_owner_without_code = 3,
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
    FRAMES_FROM_3_12(70, 0),
    CODE_FROM_3_12(176, 192),
    OBJECTS_WITH_GIL(40, 56),
};

/* ---- from 3.13: the thread state points to the frame; builds with and without the GIL differ in code, objects and frames ---- */

#define FAMILY_FROM_3_13 LOCATIONS_FROM_3_11, .first_owner_without_code = 3
#define FAMILY_3_13                                                                                                                        \
    .minor = 13, FAMILY_FROM_3_13, THREAD_STATE_3_13, .interpreter = {.next = 7264, .id = 7272, .threads = 7344, .collecting = 7600},      \
    FRAMES_FROM_3_12(70, 0), .runtime_finalizing = 608, .runtime_interpreters = 632
#define FAMILY_3_14                                                                                                                        \
    .minor = 14, FAMILY_FROM_3_13, THREAD_STATE_3_13, .executable_tags = 3,                                                                \
    .interpreter = {.next = 7272, .id = 7280, .threads = 7344, .collecting = 7600}, .runtime_finalizing = 784, .runtime_interpreters = 808
#define FAMILY_3_15                                                                                                                        \
    .minor = 15, FAMILY_FROM_3_13, THREAD_STATE_3_15, .executable_tags = 3,                                                                \
    .interpreter = {.next = 7264, .id = 7272, .threads = 7336, .collecting = 7512}, .runtime_finalizing = 912, .runtime_interpreters = 936

static const struct layout layout_3_13 = {
    FAMILY_3_13,
    CODE_FROM_3_12(184, 200),
    OBJECTS_WITH_GIL(40, 56),
};

static const struct layout layout_3_13t = {
    FAMILY_3_13,
    .free_threaded = true,
    CODE_WITHOUT_GIL(200, 216, 0),
    OBJECTS_WITHOUT_GIL(2),
};

static const struct layout layout_3_14 = {
    FAMILY_3_14,
    FRAMES_FROM_3_12(74, 0),
    CODE_FROM_3_12(192, 208),
    OBJECTS_WITH_GIL(40, 56),
};

static const struct layout layout_3_14t = {
    FAMILY_3_14, .free_threaded = true, FRAMES_FROM_3_12(78, 72), CODE_WITHOUT_GIL(208, 232, 224), OBJECTS_WITHOUT_GIL(8),
};

static const struct layout layout_3_15 = {
    FAMILY_3_15,
    FRAMES_FROM_3_12(74, 0),
    CODE_FROM_3_12(192, 208),
    OBJECTS_WITH_GIL(40, 56),
};

static const struct layout layout_3_15t = {
    FAMILY_3_15, .free_threaded = true, FRAMES_FROM_3_12(78, 72), CODE_WITHOUT_GIL(208, 232, 224), OBJECTS_WITHOUT_GIL(8),
};

/* All layouts, for code that is repeated for each: X(name). */
#define LAYOUTS(X) X(3_8) X(3_9) X(3_10) X(3_11) X(3_12) X(3_13) X(3_13t) X(3_14) X(3_14t) X(3_15) X(3_15t)

#endif

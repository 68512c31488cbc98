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

/* The tables, by family; a constant for each CPython: layout_3_8 and so on. */
#include "python/layouts.h"

/* The layout of a minor version of CPython 3, or NULL. */
const struct layout *layout_find(unsigned minor, bool free_threaded);

/* Compares a layout with the _Py_DebugOffsets at the start of _PyRuntime (3.13 and later; true for older ones, which have none). When they
 * differ: false, and the name of the first field that does in *field. */
bool layout_matches_debug_offsets(const struct layout *layout, const void *runtime, const char **field);

/* Compares the fields by which other threads and interpreters are found. */
bool layout_of_threads_matches_debug_offsets(const struct layout *layout, const void *runtime, const char **field);

#endif

/* frame.h: the four things that a walk asks of a frame. Plain loads: no call, no lock, no reference count.
 *
 * What may be asked: frames on the chain of the calling thread's own thread state. Only that thread changes its chain and its frames keep
 * their code alive, so nothing here can vanish while it looks, with or without the GIL. (docs/frame-walk.md)
 */
#ifndef ALLOCTRACE_FRAME_H
#define ALLOCTRACE_FRAME_H

#include "platform/compiler.h"
#include "python/layout.h"
#include "python/memory.h"

/* The innermost frame of a thread state, complete or not; 0: none. */
ALWAYS_INLINE uintptr_t frame_innermost(const struct layout *layout, uintptr_t thread_state)
{
    uintptr_t frame = read_pointer(thread_state, layout->thread_state.frame);
    if (layout->thread_state.frame_is_indirect && frame)
        frame = read_pointer(frame, layout->thread_state.cframe_frame);
    return frame;
}

/* The caller's frame; 0: none. */
ALWAYS_INLINE uintptr_t frame_previous(const struct layout *layout, uintptr_t frame)
{
    return read_pointer(frame, layout->frame.previous);
}

/* The code object that the frame runs. Not for entry trampolines. */
ALWAYS_INLINE uintptr_t frame_code(const struct layout *layout, uintptr_t frame)
{
    return read_pointer(frame, layout->frame.code) & ~(uintptr_t)layout->executable_tags;
}

/* True for a frame by which C enters the interpreter: it has no code. Ask before frame_code (3.13 keeps None there). */
ALWAYS_INLINE bool frame_is_entry(const struct layout *layout, uintptr_t frame)
{
    return layout->first_owner_without_code && read_byte(frame, layout->frame.owner) >= layout->first_owner_without_code;
}

/* Returns a word that differs whenever code or instruction of the same frame differ: an unchanged position means the same line. */
ALWAYS_INLINE uintptr_t frame_position(const struct layout *layout, uintptr_t frame)
{
    if (layout->position_kind == POSITION_POINTER)
        return read_pointer(frame, layout->frame.position);
    /* An index alone would not tell codes apart. Code objects are 16-byte aligned and larger than 128 bytes: with the address moved up,
     * two of them could only meet with bytecode beyond 8 MiB. */
    return (read_pointer(frame, layout->frame.code) << 16) ^ (uint32_t)read_int(frame, layout->frame.position);
}

/* 3.11 and later: the offset in bytes of the frame's instruction; negative before the first. Free-threaded 3.14 and later may run a copy of
 * the bytecode that belongs to the thread: the frame says which (Objects/codeobject.c, _PyCode_GetTLBC). */
ALWAYS_INLINE intptr_t frame_offset(const struct layout *layout, uintptr_t frame, uintptr_t position, uintptr_t code,
                                    uint32_t bytecode_bytes)
{
    intptr_t offset = (intptr_t)(position - (code + layout->code.bytecode));
    if (layout->code.bytecode_copies && (offset < 0 || offset >= (intptr_t)bytecode_bytes)) {
        enum { ENTRIES = 8 };
        uintptr_t copies = read_pointer(code, layout->code.bytecode_copies);
        int32_t index = read_int(frame, layout->frame.bytecode_copy);
        if (copies && index > 0 && index < read_size(copies, 0))
            offset = (intptr_t)(position - read_pointer(copies + (uintptr_t)index * sizeof(uintptr_t), ENTRIES));
    }
    return offset;
}

/* 3.11 and later: true for a frame that has not begun (MAKE_CELL, RETURN_GENERATOR before RESUME, __init__ shims). Tracebacks leave it out.
 * offset: of the instruction in bytes, may be negative. _PyFrame_IsIncomplete in Include/internal/pycore_frame.h. */
ALWAYS_INLINE bool frame_has_not_begun(const struct layout *layout, uintptr_t frame, intptr_t offset, intptr_t first_traceable)
{
    if (layout->position_kind == POSITION_INDEX)
        return false;
    if (layout->generator_owner && read_byte(frame, layout->frame.owner) == layout->generator_owner)
        return false;
    return offset < first_traceable;
}

#endif

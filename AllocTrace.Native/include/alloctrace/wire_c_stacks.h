/* wire_c_stacks.h: defines what is in a session's arrays IMAGES and C_FRAMES (wire.h), with the option native=stacks. */
#ifndef ALLOCTRACE_WIRE_C_STACKS_H
#define ALLOCTRACE_WIRE_C_STACKS_H

#include <stdint.h>

/* A frame of a segment, the C frames between an interpreter's loop and what it called (or the thread's outermost frame): a trie, in which
 * the parent is the caller. Frame 0 is none, frame 1 one for which there was no room.
 *
 * With image ALLOCTRACE_IMAGE_SEGMENT it is no frame, but an element of a list of segments: the offset is a segment and the parent the list
 * of those outside of it. A list has an element for each loop on the stack. */
struct alloctrace_c_frame {
    uint32_t parent;
    uint32_t image;
    uint64_t offset; /* of the return address in the image's file; without an image, the return address */
};

enum { ALLOCTRACE_C_FRAME_NONE = 0, ALLOCTRACE_C_FRAME_DROPPED = 1, ALLOCTRACE_FIRST_C_FRAME = 2 };
#define ALLOCTRACE_IMAGE_NONE UINT32_MAX /* code that was made at run time, or what has it is not known */
#define ALLOCTRACE_IMAGE_SEGMENT (UINT32_MAX - 1)

/* A mapping of a file with code. Unloaded and loaded again at the same place, it is the same. */
struct alloctrace_image {
    uint64_t begin, end;  /* addresses */
    uint64_t file_offset; /* of what is at begin */
    uint32_t path;        /* string, as the system has it; names such as [vdso] are no files */
    uint32_t build_id;    /* string: the bytes of the GNU build id; empty if there is none */
};

#endif

/* eh_frame.h: the unwind table of an image, .eh_frame, with its index, .eh_frame_hdr, where the loader has mapped it (Linux Standard Base,
 * "Exception Frames"). */
#ifndef ALLOCTRACE_UNWIND_EH_FRAME_H
#define ALLOCTRACE_UNWIND_EH_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/* The data that many functions share. */
struct eh_common {
    const uint8_t *program, *end; /* its part of each function's program */
    uint64_t code_unit;
    int64_t data_unit;
    uint8_t pointer_encoding;
    bool has_augmentation;
    bool is_signal; /* the function is called by the kernel, not by a call */
};

struct eh_function {
    struct eh_common common;
    uintptr_t begin, end;
    const uint8_t *program, *program_end;
};

/* Finds the entry of the function that has an instruction. index: the address of .eh_frame_hdr. False: there is none, or it is not
 * understood. */
bool eh_find(uintptr_t index, uintptr_t pc, struct eh_function *function);

#endif

/* kept_stack.h: a thread's stack as the last walk saw it, so that the next walk only looks at what changed.
 *
 * Index 0 is the outermost frame. Entries at and above depth are left over from deeper stacks: good guesses, never trusted unchecked.
 */
#ifndef ALLOCTRACE_KEPT_STACK_H
#define ALLOCTRACE_KEPT_STACK_H

#include <stdint.h>

#include "capture/code_cache.h"

/* The words that the walk compares: two for a frame, so four frames fill a cache line. */
struct kept_frame {
    uintptr_t frame, position;
};

/* The results of the walk for these frames. */
struct kept_place {
    const struct code_info *code; /* NULL: an entry trampoline, unless the line is LINE_NOT_ASKED */
    uint32_t line;                /* LINE_NOT_BEGUN: left out, like trampolines; node is then the caller's */
    uint32_t parent, node;        /* parent: the caller's node */
};

/* The result of the walk for an innermost frame at an instruction, below its caller's node: its line and expression. Zeroed: none. */
struct kept_result {
    uintptr_t position;
    uint32_t parent, node;
};

/* The place at which the last walk left the thread state's last_profiled_frame. (anchor.h) */
struct kept_anchor {
    uintptr_t state; /* the thread state; 0: nowhere */
    uint64_t count;
    uint32_t depth; /* it is the kept frame at depth - 1 */
    bool foreign;   /* somebody else writes there */
};

/* A chunk of CPython's data stack that contains kept frames. (data_stack.h) */
struct kept_chunk {
    uintptr_t chunk;
    uint32_t first; /* the outermost of them */
};

enum {
    LINE_NOT_BEGUN = UINT32_MAX,
    LINE_NOT_ASKED = UINT32_MAX - 1, /* an innermost frame whose result was known: the code is a guess, the node unknown */
    KEPT_FIRST_CAPACITY = 128,
    KEPT_DEEP = 1024,            /* frames; for a thread whose stack was deeper once, walks are others (walk.c, data_stack.h) */
    KEPT_RESULTS = 256,          /* 4 KiB; by instruction and caller's node */
    KEPT_MAX_RECORDED = 1 << 18, /* frames; a stack that is deeper gets ALLOCTRACE_NODE_DROPPED */
    KEPT_MAX_CAPACITY = 1 << 22, /* frames; a stack that is deeper, or a chain that never ends, is not followed */
    KEPT_FRAMES_PER_CHUNK = 32,  /* below the frames in one chunk: there is one chunk per this many frames */
};

/* The position of a frame that was not placed: no frame has it. */
static const uintptr_t POSITION_NOT_ASKED = UINTPTR_MAX;

struct thread_capture;

/* The fields that the common walk reads first. (again.h) */
struct kept_top {
    uint32_t (*walk)(struct thread_capture *thread, uintptr_t state); /* for the layout and the depth; never NULL */
    uintptr_t interpreter;                                            /* 0: only the whole walk may be asked */
    uintptr_t frame;                                                  /* the innermost kept frame, or NO_KEPT_FRAME */
    uint32_t parent;                                                  /* its caller's node */
};

/* No frame has this address. */
static const uintptr_t NO_KEPT_FRAME = 1;

struct kept_stack {
    struct kept_top top;
    uint32_t depth;
    uint32_t known; /* entries below it hold something, if only a guess */
    uint32_t capacity;
    uint32_t code_epoch;       /* that of the code cache when it was last looked at; CODE_EPOCH_DEEP: see the next */
    uint32_t deep_code_epoch;  /* the same, once the stack was deeper than KEPT_DEEP */
    uint32_t root;             /* the node under which the interpreter's stacks are */
    uintptr_t interpreter;     /* whose stack it was; 0: none yet */
    struct kept_frame *frames; /* before the first is a sentinel, all zero */
    struct kept_place *places;
    uint32_t trusted; /* the frames below it need not be compared; their number is that of chunks[].first, or 0 */
    uint32_t chunk_count;
    struct kept_chunk *chunks; /* outermost first; capacity / KEPT_FRAMES_PER_CHUNK of them */
    uintptr_t chunk_state;     /* the thread state whose data stack it is */
    uint32_t chunk_epoch;
    uint32_t rest; /* allocations for which no stack is looked for, since the last one did not end */
    struct kept_anchor anchor;
    struct kept_result results[KEPT_RESULTS];
    uintptr_t *pending; /* capacity of them: frames on the way from the innermost to the first that is kept */
};

/* Walks without a cache: the first kept_top.walk. */
uint32_t kept_stack_unknown(struct thread_capture *thread, uintptr_t state);

/* Unmaps the room that thread_grow_stack has taken. */
void kept_stack_release_room(struct kept_stack *stack);

#endif

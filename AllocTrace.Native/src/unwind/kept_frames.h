/* kept_frames.h: a thread's C stack as the last walk saw it, so that the next walk only unwinds what changed.
 *
 * A frame is known again by its return address and the stack pointer. That its callers are the same as well is not guessed but verified:
 * each word that led from one to the next is compared with what it was, the return addresses and, where a frame's size depends on rbp,
 * where rbp was kept. If all hold, each frame follows from the one before it as it did the last time, so the result is that of unwinding.
 *
 * The user numbers frames: it gives a number to a return address below its caller's number, and says which frames are an interpreter's
 * loop. There the numbers begin anew, so that the frames between two loops (a segment) have the same number whatever is outside of them.
 */
#ifndef ALLOCTRACE_UNWIND_KEPT_FRAMES_H
#define ALLOCTRACE_UNWIND_KEPT_FRAMES_H

#include "unwind/stack_room.h"
#include "unwind/step.h"

enum { KEPT_WORDS_OF_A_FRAME = 3 /* its return address and two of the others */ };

/* A word by which a frame's caller was found. Mostly a return address; else the stored rbp, if the frame's size depends on it, or the CFA
 * of a frame that aligned its stack. */
struct kept_c_word {
    const uintptr_t *at;
    uintptr_t value;
};

/* The result of a walk. */
struct c_stack {
    uint32_t node;         /* the user's number of the innermost segment, 0 if it has no frame */
    uint32_t outer;        /* and of the segments outside of it */
    uint32_t is_cut;       /* callers are missing */
    uint32_t is_in_a_loop; /* an interpreter's loop is outside of the innermost segment */
};

/* A frame: index 0 is the outermost. */
struct kept_c_frame {
    const uintptr_t *fp; /* where its rbp is kept */
    struct c_stack stack;
    uint32_t words;  /* that led outwards from it. The next is its own return address: that is how the frame's callee returned to it. */
    bool fp_matters; /* one of these words is where rbp is kept */
};

/* On the way to the first frame that is kept. */
struct pending_c_frame {
    struct unwind_frame frame;
    struct unwind_rule rule;
};

struct kept_c_frames {
    uint32_t depth, capacity;
    intptr_t met;  /* the kept frame that the last walk met; -1: none, or its stack cannot be kept */
    bool is_full;  /* the last stack is deeper than the capacity, and was not walked to its end */
    uintptr_t end; /* of the mapping that they are in */
    struct stack_rooms rooms;
    struct kept_c_word *words; /* outermost first; before the first is one that never holds */
    struct kept_c_frame *frames;
    struct pending_c_frame *pending;
};

/* A user's functions: constants, so that calls are inlined. */
struct frame_numbers {
    uint32_t (*node)(void *user, uint32_t caller, uintptr_t pc);
    uint32_t (*outer)(void *user, uint32_t outer, uint32_t segment); /* NULL: only the innermost segment is wanted */
    bool (*is_loop)(void *user, struct unwind_rule rule, const struct unwind_frame *frame, uintptr_t end);
};

/* The size of the room for that many frames. Untouched, it takes no memory. */
static inline size_t kept_frames_room(uint32_t capacity)
{
    size_t words = (size_t)capacity * KEPT_WORDS_OF_A_FRAME + 1;
    return words * sizeof(struct kept_c_word) + capacity * (sizeof(struct kept_c_frame) + sizeof(struct pending_c_frame));
}

/* room: zeroed, of the above size. */
static inline void kept_frames_begin(struct kept_c_frames *kept, void *room, uint32_t capacity)
{
    static const uintptr_t never = 0;
    kept->capacity = capacity;
    kept->words = (struct kept_c_word *)room + 1;
    kept->words[-1] = (struct kept_c_word){&never, 1};
    kept->frames = (struct kept_c_frame *)(kept->words + (size_t)capacity * KEPT_WORDS_OF_A_FRAME);
    kept->pending = (struct pending_c_frame *)(kept->frames + capacity);
}

ALWAYS_INLINE uintptr_t kept_frame_sp(const struct kept_c_frames *kept, intptr_t index)
{
    return (uintptr_t)(kept->words[kept->frames[index].words].at + 1);
}

ALWAYS_INLINE uintptr_t kept_frame_pc(const struct kept_c_frames *kept, intptr_t index)
{
    return kept->words[kept->frames[index].words].value;
}

/* Compares the first `count` words, inwards ones first. Returns the index of the first that changed, or -1. Words are read whose meaning is
 * only known when those before them held: they lie between the frame and the end of its stack's mapping, so they can be read. */
ALWAYS_INLINE intptr_t kept_words_find_change(const struct kept_c_word *words, uint32_t count)
{
    const struct kept_c_word *word = words + (intptr_t)count - 1;
#define HOLDS(i) (*word[-(i)].at == word[-(i)].value)
    for (;; word -= 4) { /* ends at the one before the first */
        if (__builtin_expect(!HOLDS(0), 0))
            return word - words;
        if (__builtin_expect(!HOLDS(1), 0))
            return word - 1 - words;
        if (__builtin_expect(!HOLDS(2), 0))
            return word - 2 - words;
        if (__builtin_expect(!HOLDS(3), 0))
            return word - 3 - words;
    }
#undef HOLDS
}

/* A frame that did not save rbp left it where its callee found it: it moves for all of them together. */
static inline void kept_frames_move_fp(struct kept_c_frames *kept, intptr_t from, const uintptr_t *fp)
{
    const uintptr_t *old = kept->frames[from].fp;
    intptr_t i = from;
    for (; i >= 0 && kept->frames[i].fp == old; i--)
        kept->frames[i].fp = fp;
    for (uint32_t w = i >= 0 ? kept->frames[i].words : 0; w < kept->frames[from].words; w++)
        if (kept->words[w].at == old)
            kept->words[w].at = fp;
}

/* Returns the innermost kept frame at or outside of `from` that is `frame` and whose callers are unchanged, or -1 if there is none yet.
 * Sets *from to the place for the search of the next caller. */
ALWAYS_INLINE intptr_t kept_frames_meet(struct kept_c_frames *kept, intptr_t *from, const struct unwind_frame *frame)
{
    intptr_t i = *from;
    while (i >= 0 && kept_frame_sp(kept, i) < frame->sp)
        i--;
    *from = i;
    if (i < 0 || kept_frame_sp(kept, i) != frame->sp || kept_frame_pc(kept, i) != frame->pc)
        return -1;
    if (kept->frames[i].fp != frame->fp)
        kept_frames_move_fp(kept, i, frame->fp);
    intptr_t changed = kept_words_find_change(kept->words, kept->frames[i].words);
    if (changed < 0)
        return i;
    while (i >= 0 && (intptr_t)kept->frames[i].words > changed)
        i--;
    *from = i;
    return -1;
}

/* Adds a frame inside of the innermost kept one. */
ALWAYS_INLINE void kept_frames_add(struct kept_c_frames *kept, const struct frame_numbers *numbers, void *user,
                                   const struct pending_c_frame *pending, struct c_stack *stack, uintptr_t end)
{
    const struct unwind_frame *frame = &pending->frame;
    struct unwind_rule rule = pending->rule;
    uint32_t i = kept->depth++, words = i ? kept->frames[i - 1].words + 1 : 0;
    if (numbers->is_loop(user, rule, frame, end)) {
        if (numbers->outer)
            stack->outer = numbers->outer(user, stack->outer, stack->node);
        stack->node = 0;
        stack->is_in_a_loop = true;
    } else {
        stack->node = numbers->node(user, stack->node, frame->pc);
    }
    bool reads_fp = rule.kind == UNWIND_BY_FP || rule.kind == UNWIND_REALIGNED || rule.fp == UNWIND_FP_AT_FP;
    bool fp_matters = reads_fp || (i && kept->frames[i - 1].fp == frame->fp && kept->frames[i - 1].fp_matters);
    if (reads_fp)
        kept->words[words++] = (struct kept_c_word){frame->fp, *frame->fp};
    if (rule.kind == UNWIND_REALIGNED) {
        const uintptr_t *at = (const uintptr_t *)(*frame->fp + (uintptr_t)(intptr_t)rule.cfa);
        if ((uintptr_t)at >= frame->sp && (uintptr_t)at < end)
            kept->words[words++] = (struct kept_c_word){at, *at};
    }
    kept->words[words] = (struct kept_c_word){(const uintptr_t *)frame->sp - 1, frame->pc};
    kept->frames[i] = (struct kept_c_frame){.fp = frame->fp, .stack = *stack, .words = words, .fp_matters = fp_matters};
}

/* Unwinds until a kept frame is met, and keeps the rest. */
ALWAYS_INLINE struct c_stack kept_frames_unwind(struct kept_c_frames *kept, const struct frame_numbers *numbers, void *user,
                                                struct unwind_frame frame)
{
    uintptr_t end = stack_rooms_end(&kept->rooms, frame.sp);
    if (__builtin_expect(kept->end != end, 0)) {
        kept->depth = 0;
        kept->end = end;
    }
    intptr_t met, from = (intptr_t)kept->depth - 1;
    uint32_t pendings = 0;
    bool is_cut = false, is_kept = true;
    while ((met = kept_frames_meet(kept, &from, &frame)) < 0 && pendings < kept->capacity) {
        struct unwind_rule rule = unwind_rule_of(frame.pc);
        is_kept = is_kept && rule.kind != UNWIND_SIGNAL; /* the interrupted function's pc is not where a call would have put it */
        kept->pending[pendings++] = (struct pending_c_frame){frame, rule};
        if (!numbers->outer && numbers->is_loop(user, rule, &frame, end))
            break;
        enum unwind_result result = unwind_step(rule, &frame, end);
        is_cut = result == UNWIND_CUT;
        if (result != UNWIND_STEPPED)
            break;
    }
    kept->met = is_kept ? met : -1;
    kept->depth = (uint32_t)(met + 1);
    kept->is_full = kept->depth + pendings >= kept->capacity;
    if (__builtin_expect(kept->is_full, 0)) {
        kept->depth = 0;
        kept->met = -1;
        return (struct c_stack){.is_cut = true};
    }
    struct c_stack stack = met >= 0 ? kept->frames[met].stack : (struct c_stack){.is_cut = is_cut};
    while (pendings)
        kept_frames_add(kept, numbers, user, &kept->pending[--pendings], &stack, end);
    if (!is_kept)
        kept->depth = 0;
    return stack;
}

#endif

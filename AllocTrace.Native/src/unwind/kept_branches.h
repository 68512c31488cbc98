/* kept_branches.h: the ways by which stacks lately joined the kept one, for programs that allocate in several functions in turn.
 *
 * A stack that leaves the kept one (kept_frames.h) in its innermost frames is a branch of it. A branch is known again by its innermost
 * frame and rbp, and verified like kept frames: each word that led from one of its frames to the next, then that the kept frame which it
 * joins is the same and has the same callers' numbers, then the words of the kept frame's callers. So nothing is unwound, and the kept
 * frames stay as they are for the next branch.
 */
#ifndef ALLOCTRACE_UNWIND_KEPT_BRANCHES_H
#define ALLOCTRACE_UNWIND_KEPT_BRANCHES_H

#include "unwind/kept_frames.h"

/* In sets of four: the same functions at the same place may have been called by several ways. */
enum { BRANCH_SET_BITS = 8, BRANCH_SET = 4, BRANCH_WORDS = 11 };

struct kept_c_branch {
    struct unwind_frame innermost; /* pc 0: not in use */
    uint32_t user_key, user_value; /* the user's: what it makes of the stack and another number; zeroed when the branch is new */
    uint32_t count;                /* of words */
    uint32_t joins;                /* index of the kept frame */
    struct kept_c_word joined;
    const uintptr_t *joined_fp;
    struct c_stack outside;                     /* the numbers of the kept frame */
    struct c_stack stack;                       /* and the result */
    struct kept_c_word words[1 + BRANCH_WORDS]; /* the first is one that never holds */
};

struct kept_c_branches {
    uint32_t next; /* of a set, to be replaced */
    struct kept_c_branch branch[1 << BRANCH_SET_BITS][BRANCH_SET];
};

static inline void kept_branches_forget(struct kept_c_branches *branches)
{
    for (unsigned i = 0; i < 1 << BRANCH_SET_BITS; i++)
        for (unsigned k = 0; k < BRANCH_SET; k++)
            branches->branch[i][k].innermost.pc = 0;
}

ALWAYS_INLINE struct kept_c_branch *kept_branches_set(struct kept_c_branches *branches, const struct unwind_frame *frame)
{
    return branches->branch[(frame->pc ^ frame->sp << 24) * UINT64_C(0x9E3779B97F4A7C15) >> (64 - BRANCH_SET_BITS)];
}

/* The branch's functions keep rbp in another place than those that the kept frames were walked from. Returns true if the kept frame and its
 * callers are unchanged with that place in theirs. */
static __attribute__((noinline)) bool kept_branch_holds_with_fp(const struct kept_c_branch *branch, const struct kept_c_frames *kept)
{
    const struct kept_c_frame *joined = &kept->frames[branch->joins];
    for (intptr_t w = (intptr_t)joined->words; w >= 0; w--) {
        const uintptr_t *at = kept->words[w].at == joined->fp ? branch->joined_fp : kept->words[w].at;
        if (*at != kept->words[w].value)
            return false;
    }
    return true;
}

/* Returns true if the stack that begins with `frame` is this branch. */
ALWAYS_INLINE bool kept_branch_is(const struct kept_c_branch *branch, const struct kept_c_frames *kept, const struct unwind_frame *frame)
{
    if (branch->innermost.pc != frame->pc || branch->innermost.sp != frame->sp || branch->innermost.fp != frame->fp
        || branch->joins >= kept->depth)
        return false;
    const struct kept_c_frame *joined = &kept->frames[branch->joins];
    const struct kept_c_word *word = &kept->words[joined->words];
    if (word->at != branch->joined.at || word->value != branch->joined.value
        || __builtin_memcmp(&joined->stack, &branch->outside, sizeof joined->stack) != 0)
        return false;
    if (kept_words_find_change(branch->words + 1, branch->count) >= 0)
        return false;
    if (__builtin_expect(joined->fp_matters && joined->fp != branch->joined_fp, 0))
        return kept_branch_holds_with_fp(branch, kept);
    return kept_words_find_change(kept->words, joined->words + 1) < 0;
}

/* Returns the branch that the stack which begins with `frame` is, or NULL. */
ALWAYS_INLINE struct kept_c_branch *kept_branches_recall(struct kept_c_branches *branches, const struct kept_c_frames *kept,
                                                         const struct unwind_frame *frame)
{
    struct kept_c_branch *branch = kept_branches_set(branches, frame);
    for (const struct kept_c_branch *end = branch + BRANCH_SET; branch < end; branch++)
        if (kept_branch_is(branch, kept, frame))
            return branch;
    return NULL;
}

/* After kept_frames_unwind: returns a branch for its stack, if it met the kept one not far from its innermost frame; else NULL. */
ALWAYS_INLINE struct kept_c_branch *kept_branches_remember(struct kept_c_branches *branches, const struct kept_c_frames *kept,
                                                           const struct unwind_frame *frame, const struct c_stack *stack)
{
    if (kept->met < 0)
        return NULL;
    const struct kept_c_frame *joined = &kept->frames[kept->met], *innermost = &kept->frames[(intptr_t)kept->depth - 1];
    uint32_t first = joined->words + 1, count = innermost > joined ? innermost->words - first : 0;
    if (count > BRANCH_WORDS)
        return NULL;
    struct kept_c_branch *branch = kept_branches_set(branches, frame) + branches->next++ % BRANCH_SET;
    *branch = (struct kept_c_branch){
        .innermost = *frame,
        .count = count,
        .joins = (uint32_t)kept->met,
        .joined = kept->words[joined->words],
        .joined_fp = joined->fp,
        .outside = joined->stack,
        .stack = *stack,
    };
    branch->words[0] = kept->words[-1];
    for (uint32_t i = 0; i < count; i++)
        branch->words[1 + i] = kept->words[first + i];
    return branch;
}

#endif

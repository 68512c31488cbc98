/* rule.h: how the frame of a function is left, at one return address.
 *
 * A rule says where the frame's CFA (canonical frame address: the stack pointer of the caller after the return) and the caller's rbp are.
 * Compilers write it down for exceptions (.eh_frame). Seven kinds cover what they make: at most 0.05 % of code has another one, and 2 % of
 * the dynamic loader. A rule is looked for once for each return address, which takes a microsecond, and kept by it.
 *
 * The kept rules are shared by all threads, and by forked children, without a lock. An entry is two words, of which the first is the
 * address mixed with the second: an entry of which another thread has stored only one word matches no address, and is looked for again. The
 * epoch is mixed in as well, so raising it forgets all rules.
 */
#ifndef ALLOCTRACE_UNWIND_RULE_H
#define ALLOCTRACE_UNWIND_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/compiler.h"

enum unwind_kind {
    UNWIND_UNKNOWN,   /* nothing says how the frame is left */
    UNWIND_BY_SP,     /* CFA = rsp + offset */
    UNWIND_BY_FP,     /* CFA = rbp + offset */
    UNWIND_REALIGNED, /* CFA = the word at rbp + offset: the function aligned its stack */
    UNWIND_LINKAGE,   /* a PLT: CFA = rsp + 8, and 8 more from the offset-th byte of its 16 on */
    UNWIND_SIGNAL,    /* the kernel called a signal handler here: everything is in a ucontext at rsp */
    UNWIND_OUTERMOST, /* it has no caller: the first function of a thread or process */
};

/* The place of the caller's rbp, unless its distance from the CFA is known, in words. */
enum {
    UNWIND_FP_UNCHANGED = INT16_MIN, /* in the register */
    UNWIND_FP_AT_FP,                 /* where rbp points */
    UNWIND_FP_UNKNOWN,
};

/* A mark that a user of the rules attaches to the address (capture/c_stacks). */
enum unwind_mark { UNWIND_UNMARKED, UNWIND_MARK_LOOP, UNWIND_MARK_OTHER };

struct unwind_rule {
    int32_t cfa;  /* the offset, bytes */
    int16_t fp;   /* words from the CFA, or one of the above */
    uint8_t kind; /* enum unwind_kind */
    uint8_t is_own : 1;
    uint8_t mark : 2;
};

_Static_assert(sizeof(struct unwind_rule) == sizeof(uint64_t), "a rule is a word");

enum { UNWIND_RULE_BITS = 16 };

/* 1 MiB, of which only the used part takes memory. */
struct unwind_rules {
    uint64_t epoch; /* in the 16 bits that no address has */
    struct {
        uint64_t tag, rule;
    } kept[1 << UNWIND_RULE_BITS];
};

extern INTERNAL struct unwind_rules *unwind_rules;

/* Before the first look-up. Idempotent; not for several threads at once. False: no memory, or nothing can be unwound on this machine. */
bool unwind_begin(void);

/* Code was unloaded: other code may be at its addresses. */
void unwind_forget_code(void);

/* Finds a rule in the unwind tables of the code, and caches it. */
uint64_t unwind_find_rule(uintptr_t pc);

ALWAYS_INLINE uint64_t unwind_tag(uintptr_t pc, uint64_t rule)
{
    return (pc ^ rule * UINT64_C(0x9E3779B97F4A7C15)) + __atomic_load_n(&unwind_rules->epoch, __ATOMIC_RELAXED);
}

ALWAYS_INLINE uint32_t unwind_rule_slot(uintptr_t pc)
{
    return (uint32_t)(pc * UINT64_C(0x9E3779B97F4A7C15) >> (64 - UNWIND_RULE_BITS));
}

ALWAYS_INLINE bool unwind_is_kept(uint32_t slot, uintptr_t pc, uint64_t *rule)
{
    *rule = __atomic_load_n(&unwind_rules->kept[slot].rule, __ATOMIC_RELAXED);
    return __atomic_load_n(&unwind_rules->kept[slot].tag, __ATOMIC_RELAXED) == unwind_tag(pc, *rule);
}

/* Returns the rule of an address. It has two places in the cache: with one, two addresses of a stack that share it would replace each other
 * in turn. */
ALWAYS_INLINE struct unwind_rule unwind_rule_of(uintptr_t pc)
{
    uint32_t slot = unwind_rule_slot(pc);
    uint64_t rule;
    if (__builtin_expect(!unwind_is_kept(slot, pc, &rule), 0) && !unwind_is_kept(slot ^ 1, pc, &rule))
        rule = unwind_find_rule(pc);
    struct unwind_rule result;
    __builtin_memcpy(&result, &rule, sizeof result);
    return result;
}

/* Keeps a mark with the rule, as long as the rule is kept. */
void unwind_set_mark(uintptr_t pc, struct unwind_rule rule, enum unwind_mark mark);

/* Returns the function that code belongs to, as its unwind table has it. Returns false when no table covers it. */
bool unwind_function_of(uintptr_t pc, uintptr_t *begin, uintptr_t *end);

#endif

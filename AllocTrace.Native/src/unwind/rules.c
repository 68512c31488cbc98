#define _GNU_SOURCE
#include "unwind/rule.h"

#include <stddef.h>
#include <string.h>

#include "platform/os.h"
#include "unwind/frame_program.h"
#include "unwind/image_index.h"

struct unwind_rules *unwind_rules;

#ifdef __x86_64__
static const bool is_supported = true;
#else
static const bool is_supported = false;
#endif

bool unwind_begin(void)
{
    if (!is_supported)
        return false;
    if (!unwind_rules)
        unwind_rules = os_map(sizeof *unwind_rules);
    image_index_begin();
    return unwind_rules;
}

void unwind_forget_code(void)
{
    enum { SHIFT = 48 };
    if (!unwind_rules)
        return;
    uint64_t epoch = __atomic_add_fetch(&unwind_rules->epoch, UINT64_C(1) << SHIFT, __ATOMIC_RELEASE);
    if (epoch == 0) /* it comes again, and so would rules that were kept since */
        memset(unwind_rules->kept, 0, sizeof unwind_rules->kept);
}

/* ---- code that no image has ---- */

/* The code of CPython's trampolines of -X perf after their call (Python/asm_trampoline.S): from 3.12 on they only align the stack, from
 * 3.13 on they have a frame pointer. Each is a copy of the same code. */
static const uint8_t returns_after_adjusting[] = {0x48, 0x83, 0xc4, 0x08, 0xc3}; /* add $8,%rsp; ret */
static const uint8_t returns_after_popping[] = {0x5d, 0xc3};                     /* pop %rbp; ret */

/* Compilers that run in the process keep frame pointers: CoreCLR, V8, HotSpot with the option for profilers. */
static struct unwind_rule rule_of_made_code(uintptr_t pc)
{
    uint8_t code[sizeof returns_after_adjusting];
    if (!os_read_memory(pc, code, sizeof code))
        return (struct unwind_rule){.kind = UNWIND_UNKNOWN};
    if (memcmp(code, returns_after_adjusting, sizeof returns_after_adjusting) == 0)
        return (struct unwind_rule){.kind = UNWIND_BY_SP, .cfa = 16, .fp = UNWIND_FP_UNCHANGED};
    if (memcmp(code, returns_after_popping, sizeof returns_after_popping) == 0)
        return (struct unwind_rule){.kind = UNWIND_BY_SP, .cfa = 16, .fp = -2};
    return (struct unwind_rule){.kind = UNWIND_BY_FP, .cfa = 16, .fp = -2};
}

/* ---- */

static bool find_function(uintptr_t pc, bool *is_image, struct eh_function *function)
{
    uintptr_t index = 0;
    *is_image = image_index_of(pc, &index);
    return *is_image && index && eh_find(index, pc, function);
}

bool unwind_function_of(uintptr_t pc, uintptr_t *begin, uintptr_t *end)
{
    bool is_image;
    struct eh_function function;
    if (!find_function(pc, &is_image, &function))
        return false;
    *begin = function.begin;
    *end = function.end;
    return true;
}

extern const char __ehdr_start[] __attribute__((visibility("hidden"))); /* of this library; the linker defines both */
extern const char _end[] __attribute__((visibility("hidden")));

static bool is_own(uintptr_t pc)
{
    return pc >= (uintptr_t)__ehdr_start && pc < (uintptr_t)_end;
}

/* A return address may be the first byte of the next function, after a call that does not return: the call is before it. */
static struct unwind_rule make_rule(uintptr_t pc)
{
    bool is_image;
    struct eh_function function;
    struct unwind_rule rule = {.kind = UNWIND_UNKNOWN};
    if (find_function(pc - 1, &is_image, &function))
        rule = frame_program_run(&function, pc - 1);
    else if (!is_image)
        rule = rule_of_made_code(pc);
    rule.is_own = is_own(pc);
    return rule;
}

static void store(uint32_t slot, uint64_t tag, uint64_t rule)
{
    __atomic_store_n(&unwind_rules->kept[slot].rule, rule, __ATOMIC_RELAXED);
    __atomic_store_n(&unwind_rules->kept[slot].tag, tag, __ATOMIC_RELAXED);
}

static uint64_t word_of(struct unwind_rule rule)
{
    uint64_t word;
    memcpy(&word, &rule, sizeof word);
    return word;
}

/* Stores the rule in its first place; the rule that was there moves to the second. */
uint64_t unwind_find_rule(uintptr_t pc)
{
    uint64_t rule = word_of(make_rule(pc));
    uint32_t slot = unwind_rule_slot(pc);
    store(slot ^ 1, __atomic_load_n(&unwind_rules->kept[slot].tag, __ATOMIC_RELAXED),
          __atomic_load_n(&unwind_rules->kept[slot].rule, __ATOMIC_RELAXED));
    store(slot, unwind_tag(pc, rule), rule);
    return rule;
}

void unwind_set_mark(uintptr_t pc, struct unwind_rule rule, enum unwind_mark mark)
{
    uint32_t slot = unwind_rule_slot(pc);
    uint64_t kept;
    rule.mark = mark;
    if (!unwind_is_kept(slot, pc, &kept) && unwind_is_kept(slot ^ 1, pc, &kept))
        slot ^= 1;
    store(slot, unwind_tag(pc, word_of(rule)), word_of(rule));
}

#include <execinfo.h>
#include <string.h>

#include "check.h"
#include "platform/mappings.h"
#include "unwind/stack_room.h"
#include "unwind/step.h"

void mappings_are_found_with_their_paths(void)
{
    int local = 0;
    char path[256];
    struct os_mapping mapping;
    CHECK(os_mapping_of((uintptr_t)&local, &mapping, path, sizeof path));
    CHECK((uintptr_t)&local >= mapping.begin && (uintptr_t)&local < mapping.end);
    CHECK(mapping.path_length == strlen("[stack]") && memcmp(path, "[stack]", mapping.path_length) == 0);
    CHECK(os_mapping_of((uintptr_t)mappings_are_found_with_their_paths, &mapping, path, sizeof path));
    CHECK(mapping.inode && mapping.head && mapping.head <= mapping.begin && mapping.path_length > strlen("/native-parts"));
    CHECK(memcmp(path + mapping.path_length - strlen("/native-parts"), "/native-parts", strlen("/native-parts")) == 0);
    CHECK(!os_mapping_of(4096, &mapping, NULL, 0));
}

#ifdef __x86_64__

enum { MOST = 64 };

/* The stack of this function's caller, by rules alone. */
static __attribute__((noinline)) int compare_with_backtrace(void)
{
    const uintptr_t *own = __builtin_frame_address(0);
    struct unwind_frame frame = {.pc = own[1], .sp = (uintptr_t)(own + 2), .fp = own};
    struct stack_rooms rooms = {0};
    void *theirs[MOST];
    int count = backtrace(theirs, MOST), i = 0;
    while (i < count && (uintptr_t)theirs[i] != frame.pc)
        i++;
    CHECK(i < count);
    for (;; i++) {
        CHECK(i < count && frame.pc == (uintptr_t)theirs[i]);
        enum unwind_result result = unwind_step(unwind_rule_of(frame.pc), &frame, stack_rooms_end(&rooms, frame.sp));
        CHECK(result != UNWIND_CUT);
        if (result == UNWIND_ENDED)
            break;
    }
    CHECK(i == count - 1);
    return count;
}

static int compared;

/* Called by the C library. */
static int order(const void *one, const void *other)
{
    compared += compare_with_backtrace();
    return *(const int *)one - *(const int *)other;
}

void rules_lead_to_the_callers_that_backtrace_finds(void)
{
    int numbers[] = {3, 1, 2};
    CHECK(unwind_begin());
    compare_with_backtrace();
    qsort(numbers, 3, sizeof *numbers, order);
    CHECK(compared > 3);
}

void marks_are_forgotten_with_the_code(void)
{
    uintptr_t pc = (uintptr_t)__builtin_return_address(0);
    CHECK(unwind_begin());
    struct unwind_rule rule = unwind_rule_of(pc);
    CHECK(rule.kind != UNWIND_UNKNOWN && rule.mark == UNWIND_UNMARKED);
    unwind_set_mark(pc, rule, UNWIND_MARK_LOOP);
    CHECK(unwind_rule_of(pc).mark == UNWIND_MARK_LOOP);
    CHECK(unwind_rule_of(pc).cfa == rule.cfa && unwind_rule_of(pc).kind == rule.kind && unwind_rule_of(pc).fp == rule.fp);
    unwind_forget_code();
    CHECK(unwind_rule_of(pc).mark == UNWIND_UNMARKED && unwind_rule_of(pc).cfa == rule.cfa);
}

#else

void rules_lead_to_the_callers_that_backtrace_finds(void)
{
    CHECK(!unwind_begin());
}

void marks_are_forgotten_with_the_code(void)
{
}

#endif

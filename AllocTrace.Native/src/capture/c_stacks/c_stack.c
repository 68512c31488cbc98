#include "capture/c_stacks/c_stack.h"

#include <stdlib.h>

#include "capture/intern.h"
#include "capture/c_stacks/c_frames.h"
#include "capture/c_stacks/loops.h"
#include "capture/walk/place.h"
#include "unwind/kept_branches.h"

enum { FRAME_MEMO_BITS = 12, NODE_MEMOS = 1024 };

/* Frames, and allocations. All frames are compared at each allocation, so more of them would slow down a recursion that goes to the end of
 * the stack many times. */
enum { FIRST_CAPACITY = 1 << 10, GROWTH = 8, MOST_CAPACITY = 1 << 13, REST = 2048 };

/* The last result of c_frames_number. */
struct frame_memo {
    uintptr_t pc;
    uint32_t caller, number;
};

/* The node of a Python stack with a C stack. */
struct node_memo {
    uint32_t python, segment, outer, node;
};

#ifdef ALLOCTRACE_CHECKED
enum { ROOMS = 2 /* for kept frames, and for those that they are compared with */ };
#else
enum { ROOMS = 1 };
#endif

/* A thread's, with the room for its frames behind it. Mostly untouched: it takes as much memory as the stack is deep, and 400 KiB. */
struct c_walker {
    size_t size;
    uint64_t epoch; /* of the code, when it was last looked at */
    uint32_t rest;  /* allocations for which no stack is looked for, since the last one was too deep, */
    uintptr_t near; /* unless the stack pointer is above this */
    const struct traced_runtime *runtime;
    uintptr_t hook;               /* the return address in the last hook: the last frame of this library */
    struct unwind_rule hook_rule; /* and how it is left */
    struct frame_memo frame_memos[1 << FRAME_MEMO_BITS];
    struct node_memo node_memos[NODE_MEMOS];
    struct kept_c_frames frames[ROOMS];
    struct kept_c_branches branches;
};

/* The data for the functions of the walk. */
struct walker {
    struct thread_capture *thread;
    bool holds_gil;
    bool is_unsettled; /* it is not known of every frame whether it is a loop's */
};

bool c_stack_begin(void)
{
    return unwind_begin();
}

bool c_stack_has_entries(const struct traced_runtime *runtime)
{
    return runtime->python.layout && runtime->python.layout->first_owner_without_code && !recording.options.max_frames;
}

void c_stack_release(struct thread_capture *thread)
{
    if (thread->c_walker)
        os_unmap(thread->c_walker, thread->c_walker->size);
    thread->c_walker = NULL;
}

/* ---- numbers ---- */

ALWAYS_INLINE uint32_t number_frame(void *user, uint32_t caller, uintptr_t pc)
{
    const struct walker *walker = user;
    uint64_t place = (pc ^ (uint64_t)caller << 40) * UINT64_C(0x9E3779B97F4A7C15) >> (64 - FRAME_MEMO_BITS);
    struct frame_memo *memo = &walker->thread->c_walker->frame_memos[place];
    if (memo->pc != pc || memo->caller != caller) {
        memo->pc = pc;
        memo->caller = caller;
        memo->number = c_frames_number(caller, pc);
    }
    return memo->number;
}

static uint32_t number_list(void *user, uint32_t outer, uint32_t segment)
{
    (void)user;
    return c_frames_list(outer, segment);
}

ALWAYS_INLINE bool is_loop(void *user, struct unwind_rule rule, const struct unwind_frame *frame, uintptr_t end)
{
    struct walker *walker = user;
    enum unwind_mark mark = rule.mark;
    if (__builtin_expect(mark == UNWIND_UNMARKED, 0)) {
        const struct traced_runtime *runtime = walker->thread->c_walker->runtime;
        mark = runtime ? loops_find(runtime, walker->holds_gil, rule, frame, end) : UNWIND_UNMARKED;
        walker->is_unsettled = walker->is_unsettled || mark == UNWIND_UNMARKED;
    }
    return mark == UNWIND_MARK_LOOP;
}

static const struct frame_numbers all_segments = {.node = number_frame, .outer = number_list, .is_loop = is_loop};
static const struct frame_numbers innermost_segment = {.node = number_frame, .is_loop = is_loop};

static __attribute__((noinline)) struct c_stack unwind_all(struct walker *walker, struct kept_c_frames *kept, struct unwind_frame frame)
{
    return kept_frames_unwind(kept, &all_segments, walker, frame);
}

static __attribute__((noinline)) struct c_stack unwind_innermost(struct walker *walker, struct kept_c_frames *kept,
                                                                 struct unwind_frame frame)
{
    return kept_frames_unwind(kept, &innermost_segment, walker, frame);
}

ALWAYS_INLINE struct c_stack unwind(struct walker *walker, struct kept_c_frames *kept, struct unwind_frame frame)
{
    const struct traced_runtime *runtime = walker->thread->c_walker->runtime;
    bool is_placed = !runtime || !runtime->python.layout || c_stack_has_entries(runtime);
    return is_placed ? unwind_all(walker, kept, frame) : unwind_innermost(walker, kept, frame);
}

/* ---- the walker ---- */

/* Makes a walker in place of the thread's, if it has one. Returns false if there is no memory: it then keeps that. */
static bool make_walker(struct thread_capture *thread, uint32_t capacity)
{
    size_t room = kept_frames_room(capacity), size = sizeof(struct c_walker) + ROOMS * room;
    struct c_walker *old = thread->c_walker, *made = os_map_wiped(size);
    if (!made)
        return false;
    made->size = size;
    for (unsigned i = 0; i < ROOMS; i++)
        kept_frames_begin(&made->frames[i], (char *)(made + 1) + i * room, capacity);
    if (old) {
        made->epoch = old->epoch;
        made->runtime = old->runtime;
    }
    c_stack_release(thread);
    thread->c_walker = made;
    return true;
}

/* The first time, and after code was unloaded. */
static __attribute__((noinline, cold)) struct c_walker *make_ready(struct thread_capture *thread)
{
    uint64_t epoch = __atomic_load_n(&unwind_rules->epoch, __ATOMIC_ACQUIRE);
    c_stack_release(thread);
    if (!make_walker(thread, FIRST_CAPACITY))
        return NULL;
    c_frames_forget_images(epoch);
    thread->c_walker->epoch = epoch;
    return thread->c_walker;
}

/* Walks a stack that has more frames than there is room for. If there can be no more room, the next ones are not looked at for a while, so
 * that looking costs each allocation little. */
static __attribute__((noinline, cold)) struct c_stack unwind_deeper(struct walker *walker, struct unwind_frame frame)
{
    enum { NEAR = 64 << 10 };
    struct c_walker *kept = walker->thread->c_walker;
    struct c_stack stack = {.is_cut = true};
    while (kept->frames[0].is_full && kept->frames[0].capacity < MOST_CAPACITY) {
        uint32_t capacity = kept->frames[0].capacity * GROWTH;
        if (!make_walker(walker->thread, capacity < MOST_CAPACITY ? capacity : MOST_CAPACITY))
            break;
        kept = walker->thread->c_walker;
        stack = unwind(walker, &kept->frames[0], frame);
    }
    if (kept->frames[0].is_full) {
        kept->rest = REST;
        kept->near = frame.sp + NEAR;
    }
    stack.is_in_a_loop = stack.is_in_a_loop || kept->frames[0].is_full; /* it is not said of it that it shows none */
    return stack;
}

/* A stack that is not recalled. *branch: by which it will be, or NULL. */
static struct c_stack unwind_and_remember(struct walker *walker, const struct unwind_frame *frame, struct kept_c_branch **branch)
{
    struct c_walker *kept = walker->thread->c_walker;
    if (__builtin_expect(kept->rest, 0) && frame->sp < kept->near) {
        kept->rest--;
        return (struct c_stack){.is_cut = true, .is_in_a_loop = true};
    }
    kept->rest = 0;
    struct c_stack stack = unwind(walker, &kept->frames[0], *frame);
    if (__builtin_expect(kept->frames[0].is_full, 0))
        return unwind_deeper(walker, *frame);
    if (!walker->is_unsettled)
        *branch = kept_branches_remember(&kept->branches, &kept->frames[0], frame, &stack);
    return stack;
}

/* ---- nodes ---- */

static uint32_t node_below(uint32_t parent, uint32_t code, uint32_t number)
{
    struct node_key key = {parent, code, number};
    uint32_t node = intern_find_node(key);
    return node ? node : intern_new_node(key);
}

static __attribute__((noinline)) uint32_t merge(uint32_t python, const struct c_stack *stack)
{
    uint32_t node = python;
    if (stack->node > ALLOCTRACE_C_FRAME_DROPPED)
        node = node_below(node, ALLOCTRACE_CODE_NATIVE, stack->node);
    if (stack->outer > ALLOCTRACE_C_FRAME_DROPPED)
        node = node_below(node, ALLOCTRACE_CODE_OUTER, stack->outer);
    return node;
}

ALWAYS_INLINE uint32_t merged(struct c_walker *kept, uint32_t python, const struct c_stack *stack)
{
    uint32_t place = hash_mix((uint64_t)python << 32 | stack->node, stack->outer) % NODE_MEMOS;
    struct node_memo *memo = &kept->node_memos[place];
    if (memo->python != python || memo->segment != stack->node || memo->outer != stack->outer || !memo->node) {
        memo->python = python;
        memo->segment = stack->node;
        memo->outer = stack->outer;
        memo->node = merge(python, stack);
    }
    return memo->node;
}

/* ---- the walk ---- */

#ifdef ALLOCTRACE_CHECKED
static uint32_t count_loops(struct walker *walker, uintptr_t end)
{
    const struct kept_c_frames *frames = &walker->thread->c_walker->frames[1];
    uint32_t count = 0;
    for (uint32_t i = 0; i < frames->depth; i++) {
        struct unwind_frame frame = {kept_frame_pc(frames, i), kept_frame_sp(frames, i), frames->frames[i].fp};
        count += is_loop(walker, unwind_rule_of(frame.pc), &frame, end);
    }
    return count;
}

/* Counts the entry trampolines, which are variables of the loops: those of this C stack are between its frames. */
static uint32_t count_entries(const struct kept_stack *python, uintptr_t begin, uintptr_t end)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < python->depth; i++)
        count += place_is_trampoline(&python->places[i]) && python->frames[i].frame >= begin && python->frames[i].frame < end;
    return count;
}

/* Test builds unwind every stack twice, the second time from nothing, and abort when they differ. Where each loop has an entry trampoline,
 * there must be as many of both. */
static void compare(struct walker *walker, struct unwind_frame frame, const struct c_stack *stack, bool has_python)
{
    struct kept_c_frames *frames = &walker->thread->c_walker->frames[1];
    if (walker->thread->c_walker->rest)
        return;
    frames->depth = 0;
    struct c_stack fresh = unwind(walker, frames, frame);
    if (fresh.node != stack->node || fresh.outer != stack->outer || fresh.is_cut != stack->is_cut) {
        os_message("a C stack differs from its kept frames: %u, %u below %u, %u", stack->node, fresh.node, stack->outer, fresh.outer);
        abort();
    }
    if (!has_python || !frames->depth || stack->is_cut || !c_stack_has_entries(walker->thread->c_walker->runtime))
        return;
    uintptr_t end = stack_rooms_end(&frames->rooms, frame.sp);
    uint32_t loops = count_loops(walker, end), entries = count_entries(&walker->thread->stack, frame.sp, end);
    if (loops != entries) {
        os_message("a C stack of %u frames has %u loops and %u entries", frames->depth, loops, entries);
        abort();
    }
}
#else
#define compare(walker, frame, stack, has_python) ((void)0)
#endif

/* Leaves this library. Returns false when that cannot be done. */
static __attribute__((noinline)) bool step_out(struct c_walker *kept, struct unwind_frame *frame)
{
    for (struct unwind_rule rule = unwind_rule_of(frame->pc); rule.is_own; rule = unwind_rule_of(frame->pc)) {
        kept->hook = frame->pc;
        kept->hook_rule = rule;
        if (unwind_step(rule, frame, stack_rooms_end(&kept->frames[0].rooms, frame->sp)) != UNWIND_STEPPED)
            return false;
    }
    return true;
}

/* Leaves this library like step_out, which is called only if the hook is not the one of the last time. */
ALWAYS_INLINE bool skip_own_frames(struct c_walker *kept, struct unwind_frame *frame)
{
    struct unwind_rule rule = kept->hook_rule;
    if (__builtin_expect(kept->hook != frame->pc || rule.kind != UNWIND_BY_SP, 0))
        return step_out(kept, frame);
    frame->sp += (uintptr_t)(intptr_t)rule.cfa;
    frame->pc = ((const uintptr_t *)frame->sp)[-1];
    if (rule.fp != UNWIND_FP_UNCHANGED)
        frame->fp = (const uintptr_t *)frame->sp + rule.fp;
    return true;
}

/* The node of both stacks, and what is counted. branch: that of the C stack, or NULL. */
static __attribute__((noinline)) uint32_t merged_anew(struct walker *walker, struct unwind_frame frame, uint32_t python,
                                                      struct kept_c_branch *branch)
{
    struct c_stack stack = branch ? branch->stack : unwind_and_remember(walker, &frame, &branch);
    bool has_python = python != ALLOCTRACE_NODE_NONE && python != walker->thread->stack.root;
    compare(walker, frame, &stack, has_python);
    bool is_cut = stack.is_cut || stack.node == ALLOCTRACE_C_FRAME_DROPPED, is_unplaced = !stack.is_in_a_loop && has_python;
    if (__builtin_expect(is_cut, 0))
        SHARED_ADD(session.header->cut_c_stacks, 1);
    if (__builtin_expect(is_unplaced, 0))
        SHARED_ADD(session.header->unplaced_c_stacks, 1);
    uint32_t node = merged(walker->thread->c_walker, python, &stack);
    if (branch && !is_cut && !is_unplaced) {
        branch->user_key = python;
        branch->user_value = node;
    }
    return node;
}

#ifdef ALLOCTRACE_CHECKED
static const bool is_compared = true;
#else
static const bool is_compared = false;
#endif

/* frame: this library's own. runtime: the one whose loops are wanted, or NULL. */
ALWAYS_INLINE uint32_t merged_stack(struct thread_capture *thread, const struct traced_runtime *runtime, bool holds_gil,
                                    struct unwind_frame frame, uint32_t python)
{
    struct c_walker *kept = thread->c_walker;
    if (__builtin_expect(!kept || kept->epoch != __atomic_load_n(&unwind_rules->epoch, __ATOMIC_ACQUIRE), 0))
        kept = make_ready(thread);
    if (__builtin_expect(!kept || python == ALLOCTRACE_NODE_DROPPED || !skip_own_frames(kept, &frame), 0))
        return python;
    if (__builtin_expect(kept->runtime != runtime, 0)) {
        kept->runtime = runtime;
        kept->frames[0].depth = 0;
        kept_branches_forget(&kept->branches);
    }
    struct kept_c_branch *branch = kept_branches_recall(&kept->branches, &kept->frames[0], &frame);
    if (branch && __builtin_expect(branch->user_key == python && branch->user_value, 1) && !is_compared)
        return branch->user_value;
    struct walker walker = {thread, holds_gil, false};
    return merged_anew(&walker, frame, python, branch);
}

/* The frame of the function that uses this. */
#define OWN_FRAME(own) ((struct unwind_frame){.pc = (own)[1], .sp = (uintptr_t)((own) + 2), .fp = (own)})

/* The Python stack, mostly by the common walk (again.h). */
ALWAYS_INLINE uint32_t python_stack(struct thread_capture *thread, bool holds_gil)
{
    const struct python_runtime *python = &thread->runtime->python;
    uint32_t node = ALLOCTRACE_NODE_NONE;
    if (__builtin_expect(thread->stack.top.interpreter && LOAD_ONCE(*python->finalizing) == 0, 1))
        node = thread->stack.top.walk(thread, python->attached_thread_state());
    return __builtin_expect(node != ALLOCTRACE_NODE_NONE, 1) ? node : thread->runtime->walk_python(thread, holds_gil);
}

uint32_t c_stack_walk(struct thread_capture *thread, bool holds_gil)
{
    const uintptr_t *own = __builtin_frame_address(0);
    uint32_t python = python_stack(thread, holds_gil);
    return merged_stack(thread, thread->runtime, holds_gil, OWN_FRAME(own), python);
}

__attribute__((noinline)) uint32_t c_stack_without_python(struct thread_capture *thread)
{
    const uintptr_t *own = __builtin_frame_address(0);
    if (thread->is_shared) /* each of its records is of another thread */
        return ALLOCTRACE_NODE_NONE;
    return merged_stack(thread, NULL, false, OWN_FRAME(own), ALLOCTRACE_NODE_NONE);
}

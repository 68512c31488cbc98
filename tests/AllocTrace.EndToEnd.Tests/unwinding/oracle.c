/* The unwinder against glibc's: a preloadable library that unwinds the C stack at each allocation, and compares each ORACLE_EVERY-th result
 * with backtrace(), return address by return address. With PYTHONMALLOC=malloc every allocation of CPython comes by here.
 *
 * Two ways are compared: by rules alone, and by what is kept of earlier stacks. Nothing is a loop here, so a segment is the whole stack.
 * At exit one line goes to the file that ORACLE names, appended: "stacks N cut N beyond N different N". Beyond: backtrace() ended at
 * code without rules, and we did not. ORACLE_MAPPINGS=1: images are found as with glibc before 2.35.
 * ORACLE_REMEMBERS=1: what is known of unloaded code is kept, which is wrong.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unwind/image_index.h"
#include "unwind/kept_branches.h"

#define EXPORTED __attribute__((visibility("default")))

enum { MOST = 20000, DEEPEST = 1 << 15, FRAMES = 1 << 22, TABLE = 1 << 23 };

/* ---- numbers for return addresses below their callers' ---- */

static struct {
    uintptr_t pc;
    uint32_t caller;
} * frames;
static uint32_t *table, frame_count = 1;
static char lock;

static uint32_t number(void *user, uint32_t caller, uintptr_t pc)
{
    (void)user;
    for (uint64_t i = (pc ^ (uint64_t)caller << 32) * UINT64_C(0x9E3779B97F4A7C15) >> 41;; i++) {
        uint32_t *slot = &table[i % TABLE];
        if (!*slot) {
            if (frame_count == FRAMES)
                abort();
            frames[frame_count].pc = pc;
            frames[frame_count].caller = caller;
            return *slot = frame_count++;
        }
        if (frames[*slot].pc == pc && frames[*slot].caller == caller)
            return *slot;
    }
}

static bool is_loop(void *user, struct unwind_rule rule, const struct unwind_frame *frame, uintptr_t end)
{
    (void)user, (void)rule, (void)frame, (void)end;
    return false;
}

static uint32_t no_list(void *user, uint32_t outer, uint32_t segment)
{
    (void)user, (void)outer;
    return segment;
}

static const struct frame_numbers numbers = {number, no_list, is_loop};

/* ---- the two ways ---- */

static unsigned by_rules(struct kept_c_frames *kept, struct unwind_frame frame, uintptr_t *pcs, bool *is_cut)
{
    uintptr_t end = stack_rooms_end(&kept->rooms, frame.sp);
    for (unsigned count = 0;;) {
        pcs[count++] = frame.pc;
        enum unwind_result result = count == DEEPEST ? UNWIND_CUT : unwind_step(unwind_rule_of(frame.pc), &frame, end);
        *is_cut = result == UNWIND_CUT;
        if (result != UNWIND_STEPPED)
            return count;
    }
}

/* A thread's earlier stacks. */
struct kept {
    struct kept_c_frames frames;
    struct kept_c_branches branches;
};

static struct kept *make_kept(void)
{
    size_t size = sizeof(struct kept) + kept_frames_room(DEEPEST);
    struct kept *kept = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    kept_frames_begin(&kept->frames, kept + 1, DEEPEST);
    return kept;
}

static struct c_stack by_kept(struct kept *kept, struct unwind_frame frame)
{
    const struct kept_c_branch *branch = kept_branches_recall(&kept->branches, &kept->frames, &frame);
    if (branch)
        return branch->stack;
    struct c_stack stack = kept_frames_unwind(&kept->frames, &numbers, NULL, frame);
    kept_branches_remember(&kept->branches, &kept->frames, &frame, &stack);
    return stack;
}

static unsigned expand(uint32_t node, uintptr_t *pcs)
{
    unsigned count = 0;
    for (; node; node = frames[node].caller)
        pcs[count++] = frames[node].pc;
    return count;
}

/* ---- the comparison ---- */

static unsigned long stacks, cut, beyond, different, walks;
static unsigned long every = 11;

/* After a signal's frame backtrace() has the interrupted pc itself. */
static bool same(const uintptr_t *ours, const uintptr_t *theirs, unsigned i)
{
    return ours[i] == theirs[i] || (i && ours[i] == theirs[i] + 1 && unwind_rule_of(ours[i - 1]).kind == UNWIND_SIGNAL);
}

static void tell(const char *what, const uintptr_t *ours, unsigned our_count, const uintptr_t *theirs, unsigned their_count)
{
    char text[8192];
    int length = snprintf(text, sizeof text, "# %s: %u and %u frames\n", what, our_count, their_count);
    for (unsigned i = 0; (i < our_count || i < their_count) && length < 7800; i++) {
        Dl_info info = {0};
        uintptr_t pc = i < their_count ? theirs[i] : ours[i];
        dladdr((void *)pc, &info);
        length += snprintf(text + length, sizeof text - (size_t)length, "  %lx %lx %.40s %.60s\n", i < our_count ? ours[i] : 0,
                           i < their_count ? theirs[i] : 0, info.dli_sname ? info.dli_sname : "?", info.dli_fname ? info.dli_fname : "?");
    }
    if (write(STDERR_FILENO, text, (size_t)length) < 0)
        return;
}

static void compare(struct kept_c_frames *kept, struct unwind_frame frame, const struct c_stack *stack)
{
    static uintptr_t theirs[MOST], ours[MOST], again[MOST];
    static int told;
    bool is_cut;
    int all = backtrace((void **)theirs, MOST);
    int skipped = 0;
    while (skipped < all && theirs[skipped] != frame.pc)
        skipped++;
    const uintptr_t *oracle = theirs + skipped;
    unsigned wanted = (unsigned)(all - skipped), count = by_rules(kept, frame, ours, &is_cut), kept_count = expand(stack->node, again),
             i = 0;
    while (i < count && i < wanted && same(ours, oracle, i))
        i++;
    bool is_same = i == count && i == wanted, kept_is_same = kept_count == count && memcmp(ours, again, count * sizeof *ours) == 0;
    stacks++;
    if (!kept_is_same && told++ < 4)
        tell("kept frames differ from rules", again, kept_count, ours, count);
    if (is_same && kept_is_same)
        return;
    if (!kept_is_same || (i < count && i < wanted) || (i < wanted && !is_cut)) {
        different++;
        if (told++ < 4)
            tell("rules differ from backtrace()", ours, count, oracle, wanted);
    } else if (i < wanted) {
        cut++;
    } else {
        beyond++;
    }
}

/* ---- the hooks ---- */

static _Thread_local struct {
    bool inside;
    struct kept *kept;
} self __attribute__((tls_model("initial-exec")));

static bool is_ready;

static __attribute__((noinline)) void allocated(void)
{
    const uintptr_t *own = __builtin_frame_address(0);
    struct unwind_frame frame = {own[1], (uintptr_t)(own + 2), own};
    int saved = errno;
    self.inside = true;
    if (!self.kept)
        self.kept = make_kept();
    while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE))
        ;
    static uint64_t epoch;
    static uint64_t epochs;
    if (epoch != unwind_rules->epoch) {
        epoch = unwind_rules->epoch;
        epochs++;
    }
    static _Thread_local uint64_t seen __attribute__((tls_model("initial-exec")));
    if (seen != epochs) {
        self.kept->frames.depth = 0;
        kept_branches_forget(&self.kept->branches);
        seen = epochs;
    }
    struct c_stack stack = by_kept(self.kept, frame);
    if (++walks % every == 0)
        compare(&self.kept->frames, frame, &stack);
    __atomic_clear(&lock, __ATOMIC_RELEASE);
    self.inside = false;
    errno = saved;
}

static void *(*real_malloc)(size_t), *(*real_calloc)(size_t, size_t), *(*real_realloc)(void *, size_t);
static char early[1 << 16];
static size_t early_used;

static void *early_block(size_t size)
{
    size_t at = (early_used + 15) & ~(size_t)15;
    early_used = at + size;
    return early_used <= sizeof early ? early + at : NULL;
}

static inline bool is_recorded(void)
{
    return is_ready && !self.inside;
}

EXPORTED void *malloc(size_t size)
{
    if (!real_malloc)
        return early_block(size);
    void *block = real_malloc(size);
    if (is_recorded())
        allocated();
    return block;
}

EXPORTED void *calloc(size_t count, size_t size)
{
    if (!real_calloc)
        return early_block(count * size);
    void *block = real_calloc(count, size);
    if (is_recorded())
        allocated();
    return block;
}

EXPORTED void *realloc(void *old, size_t size)
{
    void *block = real_realloc(old, size);
    if (is_recorded())
        allocated();
    return block;
}

EXPORTED int dlclose(void *handle)
{
    int (*real)(void *) = (int (*)(void *))dlsym(RTLD_NEXT, "dlclose");
    int result = real(handle);
    if (!getenv("ORACLE_REMEMBERS"))
        unwind_forget_code();
    return result;
}

__attribute__((constructor)) static void begin(void)
{
    void *warm[4];
    self.inside = true;
    real_calloc = dlsym(RTLD_NEXT, "calloc");
    real_realloc = dlsym(RTLD_NEXT, "realloc");
    real_malloc = dlsym(RTLD_NEXT, "malloc");
    backtrace(warm, 4); /* loads libgcc_s */
    if (getenv("ORACLE_EVERY"))
        every = strtoul(getenv("ORACLE_EVERY"), NULL, 10);
    frames = mmap(NULL, FRAMES * sizeof *frames, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    table = mmap(NULL, TABLE * sizeof *table, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    is_ready = unwind_begin();
    if (getenv("ORACLE_MAPPINGS"))
        image_index_without_loader();
    self.inside = false;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("ORACLE");
    int file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT, 0600) : STDERR_FILENO;
    self.inside = true;
    dprintf(file, "stacks %lu cut %lu beyond %lu different %lu\n", stacks, cut, beyond, different);
}

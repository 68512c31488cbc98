#include "crash/report.h"

#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "callstack/internal.h"
#include "capture/recording.h"
#include "capture/thread.h"
#include "crash/c_frames.h"
#include "crash/loops.h"
#include "crash/text.h"
#include "platform/threads.h"

static sigjmp_buf after_fault;
static atomic_bool is_in_step;

/* The data on which the steps work. */
static struct step {
    struct alloctrace_crash *crash;
    struct alloctrace_crash_thread *thread;
    const struct alloctrace_python *python;
    const void *state;
} now;

/* One after another; a fault ends the one that is going on. */
static __attribute__((noinline)) void do_step(void (*step)(void))
{
    if (sigsetjmp(after_fault, 1) == 0) {
        is_in_step = true;
        step();
    }
    is_in_step = false;
}

void report_fault(struct alloctrace_crash *crash, int signal)
{
    SHARED_STORE(crash->nested_signal, (uint32_t)signal);
    if (is_in_step)
        siglongjmp(after_fault, 1);
}

static struct alloctrace_crash_thread *thread_at(struct alloctrace_crash *crash, uint32_t number)
{
    return (struct alloctrace_crash_thread *)((uint8_t *)crash + ALLOCTRACE_CRASH_THREADS_OFFSET) + number;
}

static struct alloctrace_crash_frame *frame_at(struct alloctrace_crash *crash, uint32_t number)
{
    return (struct alloctrace_crash_frame *)((uint8_t *)crash + ALLOCTRACE_CRASH_FRAMES_OFFSET) + number;
}

/* ---- names ---- */

/* The names of code objects that were met: recursion meets them again and again. */
static struct known_code {
    uintptr_t code;
    uint32_t filename, function;
} known_codes[256];

static const struct known_code *names_of(struct alloctrace_crash *crash, const struct alloctrace_python *python, uintptr_t code)
{
    struct known_code *known = &known_codes[(code >> 5) % (sizeof known_codes / sizeof *known_codes)];
    if (known->code != code) {
        const struct layout *layout = python->runtime.layout;
        struct text_view filename = callstack_text(python, code, layout->code.filename);
        struct text_view function = callstack_text(python, code, layout->code.qualname ? layout->code.qualname : layout->code.name);
        *known = (struct known_code){0, crash_add_text(crash, &filename), crash_add_text(crash, &function)};
        known->code = code;
    }
    return known;
}

/* ---- threads ---- */

static void add_frames(void)
{
    struct alloctrace_crash *crash = now.crash;
    struct alloctrace_crash_thread *thread = now.thread;
    uint32_t hops = ALLOCTRACE_MAX_HOPS;
    SHARED_STORE(thread->flags, thread->flags | ALLOCTRACE_CRASH_THREAD_FAULTED); /* until it has gone well */
    const void *frame = alloctrace_frame_innermost(now.python, now.state, &hops);
    for (; frame; frame = alloctrace_frame_caller(now.python, frame, &hops)) {
        if (thread->frames < ALLOCTRACE_CRASH_THREAD_FRAMES && crash->frames < ALLOCTRACE_CRASH_FRAMES) {
            uintptr_t code = (uintptr_t)alloctrace_frame_borrow_code(now.python, frame);
            struct alloctrace_crash_frame *told = frame_at(crash, crash->frames);
            *told = (struct alloctrace_crash_frame){.line = alloctrace_frame_line(now.python, frame)};
            if (code) {
                const struct known_code *names = names_of(crash, now.python, code);
                told->filename = names->filename;
                told->function = names->function;
            }
            if (thread == thread_at(crash, 0))
                crash_loops_add_frame(frame);
            SHARED_STORE(crash->frames, crash->frames + 1);
            SHARED_STORE(thread->frames, thread->frames + 1);
        }
        SHARED_STORE(thread->depth, thread->depth + 1);
    }
    SHARED_STORE(thread->flags, thread->flags & ~(uint32_t)ALLOCTRACE_CRASH_THREAD_FAULTED);
}

static void find_loops(void)
{
    crash_loops_find(now.python, now.state);
}

/* python NULL: a thread without a state. */
static void add_thread(uint32_t runtime, const struct alloctrace_python *python, const struct alloctrace_thread_info *info, uint32_t os_id)
{
    struct alloctrace_crash *crash = now.crash;
    SHARED_STORE(crash->threads_in_all, crash->threads_in_all + 1);
    if (crash->threads == ALLOCTRACE_CRASH_THREADS)
        return;
    struct alloctrace_crash_thread *thread = now.thread = thread_at(crash, crash->threads);
    *thread = (struct alloctrace_crash_thread){
        .identifier = info->thread,
        .interpreter = info->interpreter,
        .os_id = info->os_id    ? info->os_id
                 : info->is_own ? os_id
                                : 0,
        .runtime = runtime,
        .first_frame = crash->frames,
        .flags = info->is_own ? ALLOCTRACE_CRASH_THREAD_CRASHED : 0,
    };
    char name[32]; /* with a newline it may be longer than what is kept */
    size_t length = thread->os_id ? callstack_thread_name(thread->os_id, name, sizeof name) : 0;
    memcpy(thread->name, name, length < sizeof thread->name ? length : sizeof thread->name);
    SHARED_STORE(crash->threads, crash->threads + 1);
    now.state = info->thread_state;
    if (python)
        do_step(add_frames);
    if (python && thread == thread_at(crash, 0))
        do_step(find_loops);
}

static struct alloctrace_python plain, careful;
static struct alloctrace_thread_info infos[ALLOCTRACE_CRASH_THREADS];
static uint32_t info_count;

static const struct python_runtime *runtime_now;

static void list_threads(void)
{
    now.python = NULL;
    callstack_describe(&plain, &careful, runtime_now);
    now.python = alloctrace_python_careful(&plain);
    info_count = alloctrace_threads_list(now.python, infos, ALLOCTRACE_CRASH_THREADS);
}

static void note_collection(void)
{
    const struct layout *layout = now.python->runtime.layout;
    uintptr_t state = (uintptr_t)alloctrace_thread_state_borrow(now.python, 0);
    uintptr_t interpreter = state ? read_pointer(state, layout->thread_state.interpreter) : 0;
    if (interpreter && layout->interpreter.collecting && callstack_can_read(now.python, interpreter, layout->interpreter.collecting + 4u))
        now.crash->collecting = read_int(interpreter, layout->interpreter.collecting) != 0;
}

/* Adds the threads of one CPython: the thread of the signal, or all others. */
static bool add_threads(uint32_t runtime, bool own, uint32_t os_id)
{
    struct traced_runtime *traced = &recording.runtimes[runtime];
    bool found = false;
    if (!traced->used || !traced->python.layout)
        return false;
    runtime_now = &traced->python;
    info_count = 0;
    do_step(list_threads);
    uint32_t kept = info_count < ALLOCTRACE_CRASH_THREADS ? info_count : ALLOCTRACE_CRASH_THREADS;
    for (uint32_t i = 0; i < kept; i++)
        if ((infos[i].is_own != 0) == own) {
            add_thread(runtime, now.python, &infos[i], os_id);
            found = true;
        }
    if (own && found)
        do_step(note_collection);
    if (!own && info_count > kept)
        SHARED_STORE(now.crash->threads_in_all, now.crash->threads_in_all + info_count - kept);
    return found;
}

void report_threads(struct alloctrace_crash *crash, uint32_t os_id)
{
    bool found = false;
    now.crash = crash;
    for (uint32_t i = 0; i < recording.runtime_count; i++)
        found = add_threads(i, true, os_id) || found;
    if (!found) {
        struct alloctrace_thread_info info = {.thread = os_pthread(), .os_id = os_id, .is_own = 1};
        add_thread(UINT32_MAX, NULL, &info, os_id);
    }
    for (uint32_t i = 0; i < recording.runtime_count; i++)
        add_threads(i, false, os_id);
}

/* ---- the C stack ---- */

static const void *context_now;

static void add_c_frames(void)
{
    crash_add_c_frames(now.crash, context_now);
}

void report_c_stack(struct alloctrace_crash *crash, const void *context)
{
    now.crash = crash;
    context_now = context;
    SHARED_STORE(crash->c_is_cut, 1u); /* until it has gone well */
    do_step(add_c_frames);
}

/* ---- the last allocations ---- */

static struct alloctrace_crash_allocation ring[ALLOCTRACE_CRASH_ALLOCATIONS];
static uint32_t ring_count;

/* Decodes a record and returns its length in words. kind 0: nothing of interest; words 0: the end. */
static unsigned decode(const uint64_t *record, struct alloctrace_crash_allocation *told)
{
    unsigned kind = (unsigned)(record[0] >> 60), narrow = kind;
    told->kind = ALLOCTRACE_RECORD_NONE;
    told->domain = (uint32_t)(record[0] >> ALLOCTRACE_OPERAND_BITS & 15);
    told->address = record[0] & ALLOCTRACE_OPERAND_MASK;
    switch (kind) {
    case ALLOCTRACE_RECORD_MALLOC_WIDE:
    case ALLOCTRACE_RECORD_CALLOC_WIDE:
    case ALLOCTRACE_RECORD_REALLOC_WIDE:
        narrow = kind - ALLOCTRACE_RECORD_WIDE;
        told->size = record[2];
        break;
    case ALLOCTRACE_RECORD_MALLOC:
    case ALLOCTRACE_RECORD_CALLOC:
    case ALLOCTRACE_RECORD_REALLOC:
        told->size = record[1] & UINT32_MAX;
        break;
    case ALLOCTRACE_RECORD_FREE:
        told->kind = kind;
        told->size = told->stack = 0;
        return 1;
    case ALLOCTRACE_RECORD_REALLOC_BEGIN:
    case ALLOCTRACE_RECORD_REALLOC_FAILED:
    case ALLOCTRACE_RECORD_AGE:
        return 1;
    case ALLOCTRACE_RECORD_BATCH:
    case ALLOCTRACE_RECORD_MARK:
    case ALLOCTRACE_RECORD_UNMAP:
        return 2;
    case ALLOCTRACE_RECORD_LOST:
        return 3;
    case ALLOCTRACE_RECORD_CONTEXT:
        return 4;
    default:
        return 0;
    }
    if (told->address) /* 0: sampling left it out */
        told->kind = narrow;
    told->stack = (uint32_t)(record[1] >> 32);
    return kind == narrow ? 2 : 3;
}

static void read_records(const struct alloctrace_slab *slab, const uint8_t *end)
{
    for (const uint64_t *record = (const uint64_t *)(slab + 1); record < (const uint64_t *)end;) {
        struct alloctrace_crash_allocation told = {0};
        unsigned words = decode(record, &told);
        if (words == 0)
            break;
        if (told.kind != ALLOCTRACE_RECORD_NONE) {
            ring[ring_count % ALLOCTRACE_CRASH_ALLOCATIONS] = told;
            ring_count++;
        }
        record += words;
    }
}

/* Returns true if the thread's slab before the present one is unchanged, although it may have been released. */
static bool is_as_left(const struct thread_capture *thread, const struct alloctrace_slab *slab)
{
    return thread->left.used && *(const volatile uint64_t *)&slab->started_ns == thread->left.started_ns;
}

static void read_slabs(void)
{
    const struct thread_capture *thread = thread_of_this;
    const struct alloctrace_slab *left = session_slab(thread->left.slab);
    if (is_as_left(thread, left)) {
        read_records(left, (const uint8_t *)left + thread->left.used);
        if (!is_as_left(thread, left))
            ring_count = 0;
    }
    read_records(session_slab(thread->slab), thread->at);
}

void report_allocations(struct alloctrace_crash *crash)
{
    const struct thread_capture *thread = thread_of_this;
    if (!thread || thread->recording != thread_recording || !thread->at)
        return;
    do_step(read_slabs);
    struct alloctrace_crash_allocation *told =
        (struct alloctrace_crash_allocation *)((uint8_t *)crash + ALLOCTRACE_CRASH_ALLOCATIONS_OFFSET);
    uint32_t count = ring_count < ALLOCTRACE_CRASH_ALLOCATIONS ? ring_count : ALLOCTRACE_CRASH_ALLOCATIONS;
    for (uint32_t i = 0; i < count; i++)
        told[i] = ring[(ring_count - 1 - i) % ALLOCTRACE_CRASH_ALLOCATIONS];
    SHARED_STORE(crash->allocations, count);
}

/* Stacks as faulthandler prints them: _Py_DumpTraceback and _Py_DumpTracebackThreads of Python/traceback.c, release by release, oddities
 * included. */
#include "callstack/internal.h"

#include <errno.h>
#include <string.h>

#include "python/text.h"
#include "python/thread_state.h"

enum { MAX_FRAMES = 100, MAX_THREADS = 100, MAX_CHARACTERS = 500 };

/* The differences between the releases in what they print. */
struct manner {
    const char *no_frame;
    bool says_collecting;    /* 3.10 and later */
    bool says_cut;           /* to 3.12: "  ..." after 100 frames; later nothing (a comparison that is never true) */
    bool names_threads;      /* 3.14 and later */
    bool stops_at_invalid;   /* gh-140815: 3.13.10, 3.14.1 and later */
    bool prints_first_entry; /* 3.12: an entry trampoline is only left out when it is not the innermost frame (gh-123967) */
};

static struct manner manner_of(const struct python_runtime *runtime)
{
    unsigned minor = runtime->layout->minor, micro = runtime->hex >> 8 & 0xff;
    return (struct manner){
        .no_frame = minor == 8 ? "<no Python frame>\n" : "  <no Python frame>\n",
        .says_collecting = minor >= 10,
        .says_cut = minor <= 12,
        .names_threads = minor >= 14,
        .stops_at_invalid = (minor == 13 && micro >= 10) || (minor == 14 && micro >= 1) || minor >= 15,
        .prints_first_entry = minor == 12,
    };
}

/* ---- writing ---- */

struct output {
    int descriptor;
    size_t used;
    char buffer[512];
};

static void flush(struct output *output)
{
    os_write(output->descriptor, output->buffer, output->used);
    output->used = 0;
}

static void put_bytes(struct output *output, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (output->used == sizeof output->buffer)
            flush(output);
        output->buffer[output->used++] = bytes[i];
    }
}

static void put(struct output *output, const char *text)
{
    put_bytes(output, text, strlen(text));
}

static void put_number(struct output *output, uint64_t value, unsigned base, unsigned width)
{
    char digits[24];
    unsigned count = 0;
    do {
        digits[sizeof digits - ++count] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value || count < width);
    put_bytes(output, digits + sizeof digits - count, count);
}

static void put_text(struct output *output, const struct text_view *text)
{
    size_t length = text->length < MAX_CHARACTERS ? text->length : MAX_CHARACTERS;
    for (size_t i = 0; i < length; i++) {
        uint32_t character = text_character(text, i);
        char plain = (char)character;
        if (character >= ' ' && character <= 126) {
            put_bytes(output, &plain, 1);
        } else {
            unsigned width = character <= 0xff ? 2 : character <= 0xffff ? 4 : 8;
            put(output, width == 2 ? "\\x" : width == 4 ? "\\u" : "\\U");
            put_number(output, character, 16, width);
        }
    }
    if (length < text->length)
        put(output, "...");
}

/* ---- a stack ---- */

/* False when it is no text. */
static bool put_name(struct output *output, const struct alloctrace_python *python, uintptr_t code, uint16_t member, const char *quote)
{
    struct text_view text = callstack_text(python, code, member);
    if (!text.kind) {
        put(output, "???");
        return false;
    }
    put(output, quote);
    put_text(output, &text);
    put(output, quote);
    return true;
}

/* _PyFrame_SafeGetCode. */
static uintptr_t code_of(const struct alloctrace_python *python, uintptr_t frame, const struct manner *manner)
{
    const struct layout *layout = python->runtime.layout;
    if (manner->stops_at_invalid && (!read_pointer(frame, layout->frame.globals) || !read_pointer(frame, layout->frame.builtins)))
        return 0;
    return callstack_code(python, frame);
}

static bool put_frame(struct output *output, const struct alloctrace_python *python, uintptr_t frame, const struct manner *manner)
{
    const struct layout *layout = python->runtime.layout;
    uintptr_t code = code_of(python, frame, manner);
    if (!code)
        return false;
    put(output, "  File ");
    bool valid = put_name(output, python, code, layout->code.filename, "\"");
    put(output, ", line ");
    intptr_t offset = callstack_offset(python, frame, code);
    int32_t line = offset < 0 && manner->stops_at_invalid ? -1 : callstack_line(python, code, offset);
    if (line >= 0)
        put_number(output, (uint32_t)line, 10, 1);
    else
        put(output, "???");
    valid = valid && line >= 0;
    put(output, " in ");
    valid = put_name(output, python, code, layout->code.name, "") && valid;
    put(output, "\n");
    return valid;
}

/* To 3.13.9 and 3.14.0. */
static void put_frames_as_they_are(struct output *output, const struct alloctrace_python *python, uintptr_t frame,
                                   const struct manner *manner)
{
    const struct layout *layout = python->runtime.layout;
    bool is_first = true;
    for (unsigned depth = 0;; depth++) {
        if (frame_is_entry(layout, frame) && !(is_first && manner->prints_first_entry)) {
            frame = callstack_previous(python, frame);
            if (!frame)
                return;
        }
        is_first = false;
        if (depth >= MAX_FRAMES)
            break;
        put_frame(output, python, frame, manner);
        frame = callstack_previous(python, frame);
        if (!frame)
            return;
    }
    if (manner->says_cut)
        put(output, "  ...\n");
}

/* Since then: entry trampolines count, and the first frame that is not valid is the last. */
static void put_frames_while_valid(struct output *output, const struct alloctrace_python *python, uintptr_t frame,
                                   const struct manner *manner)
{
    for (unsigned depth = 0; depth < MAX_FRAMES && frame; depth++) {
        if (callstack_looks_freed(frame)) {
            put(output, "  <freed frame>\n");
            return;
        }
        uintptr_t previous = callstack_previous(python, frame);
        if (!frame_is_entry(python->runtime.layout, frame) && !put_frame(output, python, frame, manner)) {
            put(output, "  <invalid frame>\n");
            return;
        }
        frame = previous;
    }
}

static bool is_freed(const struct layout *layout, uintptr_t state, const struct manner *manner)
{
    return callstack_looks_freed(state) || callstack_looks_freed(read_pointer(state, layout->thread_state.interpreter))
           || (manner->stops_at_invalid && callstack_looks_freed(read_pointer(state, layout->thread_state.thread_id)));
}

static void put_stack(struct output *output, const struct alloctrace_python *python, uintptr_t state, const struct manner *manner)
{
    if (is_freed(python->runtime.layout, state, manner)) {
        put(output, manner->stops_at_invalid ? "  <freed thread state>\n" : "  <tstate is freed>\n");
        return;
    }
    uintptr_t frame = callstack_innermost(python, state);
    if (!frame)
        put(output, manner->no_frame);
    else if (manner->stops_at_invalid)
        put_frames_while_valid(output, python, frame, manner);
    else
        put_frames_as_they_are(output, python, frame, manner);
}

void alloctrace_stack_print(const struct alloctrace_python *python, const void *thread_state, int descriptor)
{
    int saved = errno;
    struct output output = {.descriptor = descriptor};
    struct manner manner = manner_of(&python->runtime);
    put(&output, "Stack (most recent call first):\n");
    put_stack(&output, python, (uintptr_t)thread_state, &manner);
    flush(&output);
    errno = saved;
}

/* ---- all threads ---- */

/* pthread_getname_np, without its snprintf. */
size_t callstack_thread_name(uint32_t os_id, char *name, size_t size)
{
    struct output path = {.descriptor = -1};
    put(&path, "/proc/self/task/");
    put_number(&path, os_id, 10, 1);
    put_bytes(&path, "/comm", sizeof "/comm");
    size_t length = os_read_file(path.buffer, name, size);
    return length > 1 ? (size_t)length - 1 : 0;
}

static void put_thread_name(struct output *output, uint32_t os_id)
{
    char name[32];
    size_t length = callstack_thread_name(os_id, name, sizeof name);
    if (length == 0)
        return;
    put(output, " [");
    put_bytes(output, name, length);
    put(output, "]");
}

static void put_thread(struct output *output, const struct alloctrace_python *python, uintptr_t state, bool is_current,
                       const struct manner *manner)
{
    const struct layout *layout = python->runtime.layout;
    put(output, is_current ? "Current thread 0x" : "Thread 0x");
    put_number(output, read_pointer(state, layout->thread_state.thread_id), 16, 2 * sizeof(unsigned long));
    if (manner->names_threads)
        put_thread_name(output, read_uint(state, layout->thread_state.native_id));
    put(output, " (most recent call first):\n");
    uintptr_t interpreter = read_pointer(state, layout->thread_state.interpreter);
    if (is_current && manner->says_collecting && read_int(interpreter, layout->interpreter.collecting))
        put(output, "  Garbage-collecting\n");
    put_stack(output, python, state, manner);
}

/* The main interpreter was made first, so it is the last of the list. */
static uintptr_t main_interpreter(const struct alloctrace_python *python)
{
    uintptr_t found = 0, interpreter = callstack_first_interpreter(python);
    for (uint32_t hops = ALLOCTRACE_MAX_HOPS; interpreter && hops; hops--) {
        found = interpreter;
        interpreter = callstack_next_interpreter(python, interpreter);
    }
    return found;
}

int alloctrace_stacks_print(const struct alloctrace_python *python, int descriptor)
{
    int saved = errno;
    const struct layout *layout = python->runtime.layout;
    struct manner manner = manner_of(&python->runtime);
    struct output output = {.descriptor = descriptor};
    if (!python->threads_are_known)
        return -1;
    uintptr_t current = python->runtime.own_thread_state();
    uintptr_t interpreter =
        current && !is_freed(layout, current, &manner) ? read_pointer(current, layout->thread_state.interpreter) : main_interpreter(python);
    uintptr_t state = interpreter ? callstack_first_state(python, interpreter) : 0;
    for (unsigned threads = 0; state; threads++) {
        if (threads)
            put(&output, "\n");
        if (threads >= MAX_THREADS) {
            put(&output, "...\n");
            break;
        }
        if (manner.stops_at_invalid && is_freed(layout, state, &manner)) {
            put(&output, "<freed thread state>\n");
            break;
        }
        put_thread(&output, python, state, state == current, &manner);
        state = callstack_next_state(python, state);
    }
    flush(&output);
    errno = saved;
    return 0;
}

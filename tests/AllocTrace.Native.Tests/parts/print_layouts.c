#include <stddef.h>
#include <string.h>

#include "alloctrace/wire.h"
#include "check.h"
#include "python/layout.h"

#define MEMBER(type, member) printf("%s.%s %zu %zu\n", #type, #member, offsetof(struct type, member), sizeof(((struct type *)0)->member));
#define SIZE(type) printf("%s %zu\n", #type, sizeof(struct type));

int print_wire_layout(void)
{
/* clang-format off */
#define SESSION(X) \
    X(magic) X(version) X(header_bytes) X(extent_bytes) X(slab_bytes) X(pid) X(parent_pid) X(pid_started) X(started_ns) \
    X(started_mono_ns) X(ended_mono_ns) X(sample_bytes) X(limit_bytes) X(max_frames) X(on_full) X(command_line) X(executable) \
    X(phase) X(tracked_domain) X(fork_parent_pid) X(runtimes) X(interpreters) X(fork_number) X(runtime) X(events_bytes) \
    X(extents) X(threads) X(slabs) X(nodes) X(codes) X(string_bytes) X(lost_stacks) X(cut_stacks) X(unslotted_events) X(order) \
    X(free_slabs) X(collector_pid) X(collector_attached) X(collector_beat_ns) X(released_slabs) X(collector_done) X(collector_journal) X(live_wanted_ns) X(live_written_ns) \
    X(live_course) X(requested) X(answered) X(requested_objects) X(requested_name) X(pid_namespace) X(time_namespace) X(native) X(native_reach) X(native_past) X(images) X(c_frames) X(memory_words) X(memory_wanted_ns) X(own_mappings) X(cut_c_stacks) X(unplaced_c_stacks) X(copy_wanted) X(copy_state) X(copy_pid) X(objects_at_peak) \
    X(copy_ends) X(copy_error) X(copy_pause_ns) X(answered_note) X(unread_contexts)
#define RUNTIME(X) \
    X(hooked_ns) X(library) X(version) X(hex) X(found) X(was_initialized) X(stacks) X(stacks_reason)
#define THREAD(X) \
    X(cursor) X(stack) X(state) X(first_slab) X(os_id) X(incarnation) X(started_ns) X(ended_ns) X(name) X(drained) X(drained_slab) \
    X(lost_events) X(descriptor)
#define SLAB(X) \
    X(thread) X(sequence) X(next) X(used) X(next_free) X(started_ns) X(ticket)
#define NODE(X) \
    X(parent) X(code) X(line)
#define CODE(X) \
    X(filename) X(name) X(qualname) X(first_line)
#define IMAGE(X) \
    X(begin) X(end) X(file_offset) X(path) X(build_id)
#define C_FRAME(X) \
    X(parent) X(image) X(offset)
#define CRASH(X) \
    X(state) X(signal) X(code) X(os_id) X(address) X(at_ns) X(sender_pid) X(nested_signal) X(collecting) X(threads) \
    X(threads_in_all) X(allocations) X(frames) X(text_bytes) X(c_frames) X(c_is_cut)
#define CRASH_THREAD(X) \
    X(identifier) X(interpreter) X(os_id) X(runtime) X(first_frame) X(frames) X(depth) X(flags) X(name)
#define CRASH_FRAME(X) \
    X(filename) X(function) X(line)
#define CRASH_C_FRAME(X) \
    X(address) X(offset) X(path) X(python_frames)
#define CRASH_ALLOCATION(X) \
    X(address) X(size) X(kind) X(domain) X(stack)
/* clang-format on */
#define OF_SESSION(m) MEMBER(alloctrace_session, m)
#define OF_RUNTIME(m) MEMBER(alloctrace_runtime, m)
#define OF_THREAD(m) MEMBER(alloctrace_thread, m)
#define OF_SLAB(m) MEMBER(alloctrace_slab, m)
#define OF_NODE(m) MEMBER(alloctrace_node, m)
#define OF_CODE(m) MEMBER(alloctrace_code, m)
#define OF_IMAGE(m) MEMBER(alloctrace_image, m)
#define OF_C_FRAME(m) MEMBER(alloctrace_c_frame, m)
#define OF_CRASH(m) MEMBER(alloctrace_crash, m)
#define OF_CRASH_THREAD(m) MEMBER(alloctrace_crash_thread, m)
#define OF_CRASH_FRAME(m) MEMBER(alloctrace_crash_frame, m)
#define OF_CRASH_C_FRAME(m) MEMBER(alloctrace_crash_c_frame, m)
#define OF_CRASH_ALLOCATION(m) MEMBER(alloctrace_crash_allocation, m)
    SESSION(OF_SESSION)
    RUNTIME(OF_RUNTIME)
    THREAD(OF_THREAD)
    SLAB(OF_SLAB)
    NODE(OF_NODE)
    CODE(OF_CODE)
    IMAGE(OF_IMAGE)
    C_FRAME(OF_C_FRAME)
    CRASH(OF_CRASH)
    CRASH_THREAD(OF_CRASH_THREAD)
    CRASH_FRAME(OF_CRASH_FRAME)
    CRASH_C_FRAME(OF_CRASH_C_FRAME)
    CRASH_ALLOCATION(OF_CRASH_ALLOCATION)
    SIZE(alloctrace_session)
    SIZE(alloctrace_runtime)
    SIZE(alloctrace_thread)
    SIZE(alloctrace_slab)
    SIZE(alloctrace_node)
    SIZE(alloctrace_code)
    SIZE(alloctrace_image)
    SIZE(alloctrace_c_frame)
    SIZE(alloctrace_crash)
    SIZE(alloctrace_crash_thread)
    SIZE(alloctrace_crash_frame)
    SIZE(alloctrace_crash_c_frame)
    SIZE(alloctrace_crash_allocation)
    printf("crash.text %u\n", ALLOCTRACE_CRASH_TEXT_OFFSET);
    return 0;
}

int print_layout(int minor, int free_threaded)
{
    const struct layout *l = layout_find((unsigned)minor, free_threaded != 0);
    if (!l)
        return 1;
    bool old = minor <= 10;
    printf("tstate.next %u\n", l->thread_state.next);
    printf("tstate.interp %u\n", l->thread_state.interpreter);
    if (l->thread_state.native_id)
        printf("tstate.native_thread_id %u\n", l->thread_state.native_id);
    if (l->thread_state.data_stack)
        printf("tstate.datastack_chunk %u\ntstate.tracing %u\n", l->thread_state.data_stack, l->thread_state.tracing);
    if (l->thread_state.last_profiled)
        printf("tstate.last_profiled_frame %u\ntstate.last_profiled_frame_seq %u\ntstate.tracing %u\n", l->thread_state.last_profiled,
               l->thread_state.last_profiled_count, l->thread_state.tracing);
    printf("interp.next %u\n", l->interpreter.next);
    printf("interp.id %u\n", l->interpreter.id);
    printf("%s %u\n", old ? "interp.tstate_head" : "interp.threads.head", l->interpreter.threads);
    if (l->interpreter.collecting)
        printf("interp.gc.collecting %u\n", l->interpreter.collecting);
    printf("runtime.interpreters.head %u\n", l->runtime_interpreters);
    printf("%s %u\n",
           old                                 ? "tstate.frame"
           : l->thread_state.frame_is_indirect ? "tstate.cframe"
                                               : "tstate.current_frame",
           l->thread_state.frame);
    if (l->thread_state.frame_is_indirect)
        printf("cframe.current_frame %u\ncframe.previous %u\n", l->thread_state.cframe_frame, l->thread_state.cframe_previous);
    printf("tstate.thread_id %u\n", l->thread_state.thread_id);
    printf("%s %u\n", old ? "frame.f_back" : "iframe.previous", l->frame.previous);
    printf("%s %u\n", old ? "frame.f_code" : minor >= 13 ? "iframe.f_executable" : "iframe.f_code", l->frame.code);
    printf("%s %u\n", old ? "frame.f_lasti" : minor >= 13 ? "iframe.instr_ptr" : "iframe.prev_instr", l->frame.position);
    if (!old)
        printf("iframe.owner %u\niframe.f_builtins %u\niframe.f_globals %u\n", l->frame.owner, l->frame.builtins, l->frame.globals);
    if (l->frame.bytecode_copy)
        printf("iframe.tlbc_index %u\n", l->frame.bytecode_copy);
    printf("code.co_firstlineno %u\n", l->code.first_line);
    printf("code.co_filename %u\n", l->code.filename);
    printf("code.co_name %u\n", l->code.name);
    if (l->code.qualname)
        printf("code.co_qualname %u\n", l->code.qualname);
    printf("%s %u\n", minor <= 9 ? "code.co_lnotab" : "code.co_linetable", l->code.line_table);
    printf("%s %u\n", old ? "code.co_code" : "code.co_code_adaptive", l->code.bytecode);
    if (!old)
        printf("code._co_firsttraceable %u\n", l->code.first_traceable);
    if (l->code.bytecode_copies)
        printf("code.co_tlbc %u\n", l->code.bytecode_copies);
    printf("pyobject.ob_type %u\n", l->object.type);
    printf("pyvarobject.ob_size %u\n", l->object.size);
    printf("bytes.ob_sval %u\n", l->object.bytes_data);
    printf("ascii.length %u\n", l->object.text_length);
    printf("ascii.state %u\n", l->object.text_state);
    printf("ascii.sizeof %u\n", l->object.ascii_data);
    printf("compact.sizeof %u\n", l->object.compact_data);
    printf("ascii.state.kind(all ones) mask=0x%x\n", 7u << l->object.kind_shift);
    printf("ascii.state.compact mask=0x%x\n", 1u << (l->object.kind_shift + 3));
    printf("ascii.state.ascii mask=0x%x\n", 1u << (l->object.kind_shift + 4));
    printf("%s %u\n", minor <= 9 ? "runtime.finalizing" : "runtime._finalizing", l->runtime_finalizing);
    return 0;
}

/* Every member of every layout; AllocTrace/Stacks/layouts.txt is this. */
int print_layouts(void)
{
/* clang-format off */
#define MEMBERS(X) \
    X(minor) X(free_threaded) X(position_kind) X(position_unit) X(line_format) X(first_owner_without_code) X(generator_owner) \
    X(executable_tags) X(thread_state.next) X(thread_state.interpreter) X(thread_state.frame) X(thread_state.thread_id) \
    X(thread_state.native_id) X(thread_state.frame_is_indirect) X(thread_state.cframe_frame) X(thread_state.cframe_previous) X(interpreter.next) X(interpreter.id) \
    X(interpreter.threads) X(frame.previous) X(frame.code) X(frame.position) X(frame.owner) X(frame.bytecode_copy) X(code.first_line) \
    X(code.filename) X(code.name) X(code.qualname) X(code.line_table) X(code.first_traceable) X(code.bytecode) X(code.bytecode_copies) \
    X(object.type) X(object.size) X(object.bytes_data) X(object.text_length) X(object.text_state) X(object.ascii_data) \
    X(object.compact_data) X(object.kind_shift) X(runtime_interpreters)
/* clang-format on */
#define PRINT_MEMBER(member) printf(" " #member "=%u", (unsigned)layout->member);
#define PRINT_LAYOUT(name)                                                                                                                 \
    {                                                                                                                                      \
        const struct layout *layout = &layout_##name;                                                                                      \
        printf(#name);                                                                                                                     \
        MEMBERS(PRINT_MEMBER)                                                                                                              \
        putchar('\n');                                                                                                                     \
    }
    LAYOUTS(PRINT_LAYOUT)
    return 0;
}

/* The file holds what an interpreter has at _PyRuntime. */
int compare_debug_offsets(int minor, int free_threaded, const char *file)
{
    static unsigned char runtime[4096];
    const char *field;
    FILE *stream = fopen(file, "rb");
    CHECK(stream && fread(runtime, 1, sizeof runtime, stream) > 0);
    const struct layout *layout = layout_find((unsigned)minor, free_threaded != 0);
    bool matches =
        layout_matches_debug_offsets(layout, runtime, &field) && layout_of_threads_matches_debug_offsets(layout, runtime, &field);
    puts(matches ? "match" : field);
    return fclose(stream);
}

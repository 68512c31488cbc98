#include "capture/trace_context.h"

#include <string.h>

#include "capture/records.h"
#include "platform/thread_local.h"

/* A process has one publisher. Images that each link an SDK statically are several, of which a thread uses one at a time. */
enum { PUBLISHERS = 4 };
static thread_local_place publishers[PUBLISHERS]; /* the first ones are in use */

/* OTEP 4947, "Thread-Local Context Record", without the attributes that follow. */
struct published_context {
    uint8_t trace_id[16], span_id[8];
    uint8_t valid; /* 1; any other value: the thread is writing it, or it is detached */
    uint8_t trace_flags;
    uint16_t attributes_size;
};
_Static_assert(sizeof(struct published_context) == 28, "packed, as published");

struct finding {
    thread_local_place places[PUBLISHERS];
    unsigned count;
};

static bool note_publisher(const struct image *image, void *context)
{
    struct finding *finding = context;
    thread_local_place place = thread_local_find(image, "otel_thread_ctx_v1");
    if (place)
        finding->places[finding->count++] = place;
    return finding->count == PUBLISHERS;
}

void trace_context_look(void)
{
    struct finding finding = {.count = 0};
    image_visit(note_publisher, &finding);
    for (unsigned i = 0; i < PUBLISHERS; i++)
        __atomic_store_n(&publishers[i], finding.places[i], __ATOMIC_RELAXED);
}

static bool is_zero(const uint8_t *bytes, size_t count)
{
    uint8_t any = 0;
    for (size_t i = 0; i < count; i++)
        any |= bytes[i];
    return !any;
}

enum reading { NOTHING, PUBLISHED, UNREADABLE };

/* The thread reads its own record, so it cannot change meanwhile, except that the thread may be in the middle of writing it: this is like a
 * signal handler, for which the publisher orders its stores. */
static enum reading read_context(thread_local_place place, struct published_context *context)
{
    uintptr_t address;
    if (!thread_local_read(place, &address))
        return UNREADABLE;
    if (!address)
        return NOTHING;
    if (!os_read_memory(address, context, sizeof *context))
        return UNREADABLE;
    bool is_span =
        context->valid == 1 && !is_zero(context->trace_id, sizeof context->trace_id) && !is_zero(context->span_id, sizeof context->span_id);
    return is_span ? PUBLISHED : NOTHING;
}

static void write_context(struct thread_capture *thread, const struct published_context *context)
{
    uint64_t *record = record_room(thread);
    if (!record)
        return;
    record[0] = record_word(ALLOCTRACE_RECORD_CONTEXT, 0, context->trace_flags);
    memcpy(record + 1, context->trace_id, sizeof context->trace_id);
    memcpy(record + 3, context->span_id, sizeof context->span_id);
    record_commit(thread, record + 4);
}

void trace_context_record(struct thread_capture *thread)
{
    for (unsigned i = 0; i < PUBLISHERS; i++) {
        thread_local_place place = __atomic_load_n(&publishers[i], __ATOMIC_RELAXED);
        if (!place)
            return;
        struct published_context context;
        switch (read_context(place, &context)) {
        case PUBLISHED:
            write_context(thread, &context);
            return;
        case UNREADABLE:
            SHARED_ADD(session.header->unread_contexts, 1);
            return;
        case NOTHING:
            break;
        }
    }
}

#include "capture/resident/resident.h"

#include "capture/recording.h"
#include "capture/records.h"
#include "capture/resident/heap.h"
#include "capture/resident/mappings.h"

/* Mapped while an account is written. */
struct room {
    struct words words;
    struct os_own_mapping own[OS_OWN_MAPPINGS];
    struct mappings mappings;
    uint8_t window[HEAP_WINDOW];
};

static uint64_t last_snapshot_ns;

static void record_own(struct room *room)
{
    size_t count = os_own_mappings(room->own);
    words_begin(&room->words, ALLOCTRACE_MEMORY_OWN, 0);
    for (size_t i = 0; i < count; i++) {
        words_add(&room->words, room->own[i].address);
        words_add(&room->words, room->own[i].size);
    }
    words_end(&room->words);
}

static void record_stacks(struct words *words)
{
    uint32_t threads = SHARED_LOAD(session.header->threads);
    words_begin(words, ALLOCTRACE_MEMORY_STACKS, 0);
    for (uint32_t slot = 0; slot < threads; slot++) {
        const struct alloctrace_thread *thread = session_thread(slot);
        if (SHARED_LOAD(thread->state) != ALLOCTRACE_THREAD_LIVE)
            continue;
        words_add(words, thread->stack);
        words_add(words, thread->descriptor);
    }
    words_end(words);
}

static uint32_t record_heaps(struct room *room)
{
    uint64_t until_ns = os_monotonic_ns() + RESIDENT_MOST_NS;
    uint8_t *window = os_is_single_threaded() ? NULL : room->window;
    for (size_t i = 0; i < room->mappings.heap_count; i++)
        if (!heap_record(&room->words, &room->mappings.heaps[i], window, until_ns))
            return ALLOCTRACE_MEMORY_NO_TIME;
    return 0;
}

/* Returns whether the account is whole enough to be announced. */
static bool record_account(struct room *room, enum alloctrace_memory_occasion occasion, uint32_t name)
{
    struct words *words = &room->words;
    words_begin(words, ALLOCTRACE_MEMORY_BEGIN, occasion);
    words_add(words, os_monotonic_ns());
    words_add(words, name);
    words_end(words);
    mappings_record(&room->mappings, words);
    record_own(room);
    record_stacks(words);
    uint32_t missing = room->mappings.missing | record_heaps(room) | (words->is_full ? ALLOCTRACE_MEMORY_NO_ROOM : 0);
    words->is_full = false;
    words->end++; /* the last word has room in any case, unless the session is full */
    words_begin(words, ALLOCTRACE_MEMORY_END, missing);
    return !words->is_full;
}

static void record_in(struct room *room, struct thread_capture *thread, enum alloctrace_memory_occasion occasion, uint32_t name)
{
    uint64_t first = SHARED_LOAD(session.header->memory_words);
    if (first >= RESIDENT_MOST_IN_ALL)
        return;
    room->words = (struct words){.next = first, .end = first + RESIDENT_MOST_WORDS};
    if (!record_account(room, occasion, name))
        return;
    SHARED_STORE(session.header->memory_words, room->words.next);
    record_mark(thread, ALLOCTRACE_MARK_MEMORY, first);
}

void resident_record(struct thread_capture *thread, enum alloctrace_memory_occasion occasion, uint32_t name)
{
    struct lock *lock = &recording.fork_local->resident_lock;
    uint64_t now = os_monotonic_ns();
    bool is_too_soon = occasion == ALLOCTRACE_MEMORY_SNAPSHOT && now - last_snapshot_ns < RESIDENT_PAUSE_NS;
    if (is_too_soon || !lock_try(lock))
        return;
    struct room *room = os_map(sizeof *room);
    if (room) {
        record_in(room, thread, occasion, name);
        os_unmap(room, sizeof *room);
    }
    last_snapshot_ns = occasion == ALLOCTRACE_MEMORY_SNAPSHOT ? os_monotonic_ns() : last_snapshot_ns;
    lock_release(lock);
}

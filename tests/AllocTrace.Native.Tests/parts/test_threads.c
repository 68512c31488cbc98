/* Many threads at once, as own-GIL and free-threaded programs have them: they meet new code and new stacks, record, free code objects, come
 * and go, while slabs are drained and given back. Under ThreadSanitizer this shows that everything shared is synchronized. */
#include <pthread.h>
#include <string.h>

#include "capture/code_cache.h"
#include "capture/intern.h"
#include "capture/recording.h"
#include "capture/records.h"
#include "check.h"
#include "fake_python.h"

enum { THREADS = 4, LIVES = 5, ROUNDS = 4000, SHARED_CODES = 48, OWN_CODES = 4, CODES = SHARED_CODES + THREADS * OWN_CODES };

static uintptr_t codes[CODES];
static uint64_t recorded;
static bool done;

/* A stack of three frames, at a line that changes; the innermost one's code only this thread runs. */
static uint32_t stack_of(unsigned i, uintptr_t own_code)
{
    uint32_t node = ALLOCTRACE_NODE_NONE;
    for (unsigned depth = 0; depth < 3; depth++) {
        const struct code_info *info =
            code_cache_get(&fake_runtime->python, depth == 2 ? own_code : codes[(i * (depth + 7)) % SHARED_CODES]);
        CHECK(info);
        node = intern_node(node, info->number, 1 + i % 50);
        CHECK(node != ALLOCTRACE_NODE_DROPPED);
    }
    return node;
}

static void *allocate_and_free(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    const uintptr_t *own = &codes[SHARED_CODES + (seed / LIVES - 1) * OWN_CODES];
    uint64_t written = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct thread_capture *thread = thread_enter();
        CHECK(thread);
        void *block = (void *)(uintptr_t)((seed << 20) + 32 * (i + 1));
        record_block(thread, ALLOCTRACE_RECORD_MALLOC, ALLOCTRACE_DOMAIN_OBJ, block, i, stack_of(seed * 31 + i, own[i % OWN_CODES]));
        const void *freed = i % 64 == 63 ? (const void *)own[i % OWN_CODES] : block; /* now and then a code object, which comes again */
        if (code_may_be_cached(freed))
            code_cache_drop(freed);
        record_address(thread, ALLOCTRACE_RECORD_FREE, ALLOCTRACE_DOMAIN_OBJ, block);
        thread_leave(thread);
        written += 2;
    }
    __atomic_add_fetch(&recorded, written, __ATOMIC_RELAXED);
    return NULL;
}

static void *come_and_go(void *argument)
{
    for (uintptr_t life = 0; life < LIVES; life++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, allocate_and_free, (void *)((uintptr_t)argument * LIVES + life)) == 0);
        pthread_join(thread, NULL);
    }
    return NULL;
}

/* ---- the other side: reads what is committed, gives slabs and slots back, as the collector does ---- */

static void give_back(uint32_t slab)
{
    uint64_t head = SHARED_LOAD(session.header->free_slabs), next;
    do {
        SHARED_STORE(session_slab(slab)->next_free, (uint32_t)head);
        next = ((head >> 32) + 1) << 32 | (slab + 1);
    } while (!__atomic_compare_exchange_n(&session.header->free_slabs, &head, next, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
}

struct place {
    uint32_t slab, offset;
    bool begun;
};

static uint64_t events_between(const uint8_t *at, const uint8_t *end)
{
    static const uint8_t words[] = {0, 2, 2, 2, 1, 1, 1, 2, 2, 3, 3, 3, 3};
    uint64_t events = 0;
    for (uint64_t word; at < end; at += 8 * words[word >> 60]) {
        memcpy(&word, at, sizeof word);
        CHECK(word >> 60 != ALLOCTRACE_RECORD_NONE);
        events += word >> 60 != ALLOCTRACE_RECORD_BATCH;
    }
    return events;
}

static uint64_t drain_thread(struct alloctrace_thread *thread, struct place *place)
{
    uint32_t state = SHARED_LOAD(thread->state);
    if (state != ALLOCTRACE_THREAD_LIVE && state != ALLOCTRACE_THREAD_ENDED)
        return 0;
    if (!place->begun)
        *place = (struct place){thread->first_slab, sizeof(struct alloctrace_slab), true};
    uint64_t cursor = SHARED_LOAD(thread->cursor), events = 0;
    for (;;) {
        struct alloctrace_slab *slab = session_slab(place->slab);
        bool last = cursor / ALLOCTRACE_SLAB_BYTES == slab->sequence;
        uint32_t end = last ? (uint32_t)(cursor % ALLOCTRACE_SLAB_BYTES) : slab->used;
        events += events_between((uint8_t *)slab + place->offset, (uint8_t *)slab + end);
        place->offset = end;
        if (last)
            break;
        uint32_t next = slab->next;
        give_back(place->slab);
        *place = (struct place){next, sizeof(struct alloctrace_slab), true};
    }
    if (state == ALLOCTRACE_THREAD_ENDED) {
        give_back(place->slab);
        place->begun = false;
        SHARED_STORE(thread->state, (uint32_t)ALLOCTRACE_THREAD_FREE);
    }
    return events;
}

static void *drain(void *total)
{
    static struct place places[1024];
    uint64_t *events = total;
    for (bool last = false;; last = __atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
        uint32_t threads = SHARED_LOAD(session.header->threads);
        CHECK(threads <= 1024);
        for (uint32_t i = 0; i < threads; i++)
            *events += drain_thread(session_thread(i), &places[i]);
        if (last)
            return NULL;
    }
}

void threads_record_while_slabs_are_drained(void)
{
    open_test_session(64u << 20);
    session.header->collector_pid = 1; /* somebody drains: few slabs, waited for */
    for (unsigned i = 0; i < CODES; i++) {
        char name[32];
        snprintf(name, sizeof name, "function_%u", i);
        codes[i] = fake_code("threads.py", name, (int)i, 20);
    }
    uint64_t drained = 0;
    pthread_t threads[THREADS], drainer;
    CHECK(pthread_create(&drainer, NULL, drain, &drained) == 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, come_and_go, (void *)(i + 1)) == 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    __atomic_store_n(&done, true, __ATOMIC_RELEASE);
    pthread_join(drainer, NULL);
    CHECK(recorded == THREADS * LIVES * ROUNDS * 2u);
    CHECK(drained == recorded);
    CHECK(session.header->codes == CODES);
}

/* A heap is a row of chunks (struct malloc_chunk of malloc/malloc.c): at 8 the size, a multiple of 16, with three bits, of which the lowest
 * says that the chunk before it is in use. The last one, "top", is free and reaches to the end. The main heap begins with a chunk; others
 * begin with struct heap_info of malloc/arena.c, the first heap of an arena then has struct malloc_state, whose size differs between
 * versions. The chunks in the caches for threads, and in fast bins, count as in use: they look like it.
 *
 * Other threads may change what is being read. A row that does not reach the end exactly is cut where it stopped making sense. */
#include "capture/resident/heap.h"

#include <string.h>

#include "platform/os.h"

enum {
    CHUNK_SIZE = 8, /* offset of the size in a chunk */
    CHUNK_HEAD = 16,
    CHUNK_LEAST = 32,
    PREVIOUS_IN_USE = 1,
    SIZE_BITS = 7,
    PAGE = ALLOCTRACE_MEMORY_PAGE,
};

struct heap_info {
    uint64_t arena, previous, size, protected_size;
};

struct walk {
    uintptr_t end;
    uint8_t *window; /* NULL: the memory itself is read */
    uintptr_t window_start;
    size_t window_bytes;
    uint64_t until_ns;
    uintptr_t looked_at; /* the chunk at which the clock was read */
    bool is_late;
};

static bool is_late(struct walk *walk, uintptr_t chunk)
{
    enum { LOOK_BYTES = 1 << 20 };
    if (chunk - walk->looked_at >= LOOK_BYTES) { /* also when it is before that */
        walk->looked_at = chunk;
        walk->is_late = os_monotonic_ns() > walk->until_ns;
    }
    return walk->is_late;
}

/* The word with a chunk's size; 0: it cannot be read. */
static uint64_t size_at(struct walk *walk, uintptr_t chunk)
{
    uint64_t size = 0;
    if (is_late(walk, chunk) || walk->end - chunk < CHUNK_HEAD)
        return 0;
    if (!walk->window) {
        memcpy(&size, (const uint8_t *)chunk + CHUNK_SIZE, sizeof size);
        return size;
    }
    if (chunk < walk->window_start || chunk + CHUNK_HEAD > walk->window_start + walk->window_bytes) {
        size_t wanted = walk->end - chunk < HEAP_WINDOW ? walk->end - chunk : HEAP_WINDOW;
        walk->window_bytes = 0;
        if (!os_read_memory(chunk, walk->window, wanted))
            return 0;
        walk->window_start = chunk;
        walk->window_bytes = wanted;
    }
    memcpy(&size, walk->window + (chunk - walk->window_start) + CHUNK_SIZE, sizeof size);
    return size;
}

/* The chunk after this one; 0: this is none. */
static uintptr_t next_chunk(struct walk *walk, uintptr_t chunk)
{
    uint64_t size = size_at(walk, chunk) & ~(uint64_t)SIZE_BITS;
    return size >= CHUNK_LEAST && size % 16 == 0 && size <= walk->end - chunk ? chunk + size : 0;
}

/* ---- where chunks begin ---- */

/* Returns true if a row of chunks may begin here: some of them follow each other, or reach the end. */
static bool may_begin(struct walk *walk, uintptr_t chunk)
{
    enum { ENOUGH = 64 };
    for (int i = 0; i < ENOUGH && chunk; i++) {
        if (chunk == walk->end)
            return i > 0;
        chunk = next_chunk(walk, chunk);
    }
    return chunk;
}

/* The first chunk, and the heap's end in walk->end; 0: it is no heap. */
static uintptr_t first_chunk(struct walk *walk, const struct heap_range *range)
{
    static const uint16_t after_info[] = {32, 48}, after_state[] = {0x8C0, 0x8D0, 0x8B0, 0x8A0, 0x8E0, 0x8F0, 0x900};
    if (range->is_main)
        return may_begin(walk, range->start) ? range->start : 0;
    struct heap_info info;
    if (!os_read_memory(range->start, &info, sizeof info) || info.size % PAGE || info.size < PAGE || info.size > info.protected_size
        || info.protected_size > range->end - range->start)
        return 0;
    walk->end = range->start + info.size;
    bool is_first = info.arena - range->start <= 48 && info.previous == 0;
    const uint16_t *offsets = is_first ? after_state : after_info;
    size_t count = is_first ? sizeof after_state / sizeof *after_state : sizeof after_info / sizeof *after_info;
    for (size_t i = 0; i < count; i++)
        if (may_begin(walk, range->start + offsets[i]))
            return range->start + offsets[i];
    return 0;
}

/* ---- what is in use, page by page ---- */

struct pages {
    struct words *words;
    uintptr_t page; /* the address of the one that is being filled */
    uint64_t bytes, word;
    unsigned in_word;
};

static void end_page(struct pages *pages)
{
    pages->word |= pages->bytes << 16 * pages->in_word;
    if (++pages->in_word == 4) {
        words_add(pages->words, pages->word);
        pages->word = pages->in_word = 0;
    }
    pages->page += PAGE;
    pages->bytes = 0;
}

static void use(struct pages *pages, uintptr_t from, uintptr_t to, bool is_used)
{
    while (from < to && !pages->words->is_full) {
        uintptr_t part = to < pages->page + PAGE ? to : pages->page + PAGE;
        pages->bytes += is_used ? part - from : 0;
        from = part;
        if (from == pages->page + PAGE)
            end_page(pages);
    }
}

/* Returns the end of the walked chunks, and sets *top to the address of the last free chunk, or to the end if there is none. */
static uintptr_t walk_chunks(struct walk *walk, struct pages *pages, uintptr_t chunk, uintptr_t *top)
{
    uintptr_t next;
    *top = walk->end;
    for (; (next = next_chunk(walk, chunk)) != 0; chunk = next) {
        if (next == walk->end) {
            *top = chunk;
            return next;
        }
        use(pages, chunk, next, size_at(walk, next) & PREVIOUS_IN_USE);
    }
    return chunk + CHUNK_LEAST >= walk->end ? walk->end : chunk; /* a heap that is not its arena's last ends with two small chunks */
}

bool heap_record(struct words *words, const struct heap_range *range, uint8_t *window, uint64_t until_ns)
{
    struct walk walk = {.end = range->end, .window = window, .until_ns = until_ns};
    uintptr_t first = first_chunk(&walk, range), top;
    if (!first)
        return !walk.is_late;
    words_begin(words, ALLOCTRACE_MEMORY_HEAP, range->is_main);
    uint64_t heap = words->next;
    for (int i = 0; i < 4; i++)
        words_add(words, i == 0 ? range->start : walk.end);
    words_end(words);
    words_begin(words, ALLOCTRACE_MEMORY_USED, 0);
    struct pages pages = {.words = words, .page = range->start / PAGE * PAGE};
    use(&pages, range->start, first, true); /* the heap's own head */
    uintptr_t end = walk_chunks(&walk, &pages, first, &top);
    while (pages.in_word != 0 || pages.bytes != 0)
        end_page(&pages);
    words_end(words);
    words_set(words, heap + 2, top);
    words_set(words, heap + 3, end);
    return !walk.is_late;
}

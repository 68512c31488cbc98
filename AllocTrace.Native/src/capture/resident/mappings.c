#include "capture/resident/mappings.h"

#include <string.h>

#include "platform/os.h"

/* ---- pages ---- */

/* Documentation/admin-guide/mm/pagemap.rst of Linux: present; a file's, or shared; mapped by this process alone. The kernel's page of
 * zeros, which is no resident memory, is neither of the last two. */
static const uint64_t PRESENT = UINT64_C(1) << 63, OF_FILE = UINT64_C(1) << 61, EXCLUSIVE = UINT64_C(1) << 56;

struct run {
    uint64_t page, pages;
    bool maybe;
};

static void add_page(struct words *words, struct run *run, uint64_t page, uint64_t entry)
{
    bool maybe = !(entry & (OF_FILE | EXCLUSIVE));
    if (run->pages && run->page + run->pages == page && run->maybe == maybe && run->pages < ALLOCTRACE_MEMORY_RUN_MAYBE - 1) {
        run->pages++;
        return;
    }
    if (run->pages)
        words_add(words, memory_run(run->page, run->pages, run->maybe));
    *run = (struct run){page, 1, maybe};
}

/* The number of pages, 64 GiB, above which a mapping that is nearly empty is not read page by page: that takes half a minute for a
 * sanitizer's 16 TiB. */
static const uint64_t MOST_ABSENT = UINT64_C(1) << 24, SPARSE_SHARE = 64;

static bool is_sparse(const struct mapping *present)
{
    uint64_t bytes = present->end - present->start;
    return bytes / ALLOCTRACE_MEMORY_PAGE > MOST_ABSENT && present->resident < bytes / SPARSE_SHARE;
}

static void record_pages(struct mappings *mappings)
{
    struct words *words = mappings->words;
    const struct mapping *present = &mappings->present;
    uint64_t page = present->start / ALLOCTRACE_MEMORY_PAGE, end = present->end / ALLOCTRACE_MEMORY_PAGE;
    uint64_t left = present->resident / ALLOCTRACE_MEMORY_PAGE;
    struct run run = {0};
    words_begin(words, ALLOCTRACE_MEMORY_PAGES, 0);
    if (left == end - page) { /* all of them: nothing to look up */
        words_add(words, memory_run(page, left, false));
        page = end;
    }
    while (page < end && !words->is_full) {
        size_t wanted = end - page < MAPPINGS_ENTRIES ? end - page : MAPPINGS_ENTRIES;
        size_t got =
            os_read_at(mappings->pagemap, mappings->entries, wanted * sizeof(uint64_t), page * sizeof(uint64_t)) / sizeof(uint64_t);
        if (got == 0)
            break;
        for (size_t i = 0; i < got; i++)
            if (mappings->entries[i] & PRESENT)
                add_page(words, &run, page + i, mappings->entries[i]);
        page += got;
    }
    if (run.pages)
        words_add(words, memory_run(run.page, run.pages, run.maybe));
    words_end(words);
}

/* ---- mappings ---- */

/* HEAP_MAX_SIZE of malloc/arena.c on 64-bit machines: heaps other than the main one begin at its multiples. */
static const uint64_t HEAP_ALIGNMENT = UINT64_C(64) << 20;

static void note_heaps(struct mappings *mappings)
{
    const struct mapping *present = &mappings->present;
    bool is_main = strcmp(present->name, "[heap]") == 0;
    uint64_t at = is_main ? present->start : (present->start + HEAP_ALIGNMENT - 1) / HEAP_ALIGNMENT * HEAP_ALIGNMENT;
    for (; at < present->end && mappings->heap_count < MAPPINGS_HEAPS; at += HEAP_ALIGNMENT) {
        mappings->heaps[mappings->heap_count++] = (struct heap_range){at, present->end, is_main};
        if (is_main)
            break;
    }
}

static void record_mapping(struct mappings *mappings)
{
    const struct mapping *present = &mappings->present;
    struct words *words = mappings->words;
    if (!mappings->has_any || present->resident == 0)
        return;
    uint32_t flags = (present->is_writable ? ALLOCTRACE_MEMORY_WRITABLE : 0) | (present->is_private ? 0 : ALLOCTRACE_MEMORY_SHARED)
                     | (present->is_guarded ? ALLOCTRACE_MEMORY_GUARDED : 0);
    words_begin(words, ALLOCTRACE_MEMORY_MAPPING, flags);
    words_add(words, present->start);
    words_add(words, present->end);
    words_add(words, present->resident);
    words_add(words, present->huge);
    words_add_text(words, present->name, strlen(present->name));
    words_end(words);
    bool is_anonymous = present->name[0] == '\0' || present->name[0] == '[';
    if (!is_anonymous || !present->is_private || !present->is_writable)
        return;
    if (mappings->pagemap >= 0 && !is_sparse(present))
        record_pages(mappings);
    note_heaps(mappings);
}

static uint64_t hexadecimal(const char **at)
{
    uint64_t number = 0;
    for (;; ++*at) {
        unsigned digit = (unsigned)**at - '0', letter = (unsigned)**at - 'a';
        if (digit > 9 && letter > 5)
            return number;
        number = number << 4 | (digit > 9 ? letter + 10 : digit);
    }
}

static uint64_t kibibytes(const char *text)
{
    uint64_t number = 0;
    for (; *text == ' '; text++)
        ;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return number << 10;
}

/* "55c5-55c6 rw-p 0001000 fe:00 1234      /path with blanks" */
static void begin_mapping(struct mappings *mappings, const char *line, const char *end)
{
    struct mapping *present = &mappings->present;
    record_mapping(mappings);
    mappings->has_any = true;
    present->resident = present->huge = 0;
    present->start = hexadecimal(&line);
    line += *line == '-';
    present->end = hexadecimal(&line);
    line += *line == ' ';
    bool is_guard = line[0] == '-' && line[1] == '-';
    present->is_writable = line[0] == 'r' && line[1] == 'w';
    present->is_private = line[3] == 'p';
    present->is_guarded = mappings->guard_end == present->start;
    if (is_guard)
        mappings->guard_end = present->end;
    for (int fields = 0; fields < 4 && line < end; fields++) {
        while (line < end && *line != ' ')
            line++;
        while (line < end && *line == ' ')
            line++;
    }
    size_t length = (size_t)(end - line) < MAPPINGS_NAME ? (size_t)(end - line) : MAPPINGS_NAME - 1;
    memcpy(present->name, line, length);
    present->name[length] = '\0';
}

/* The line ends with NUL. Names of fields begin with a capital letter, a mapping's own line with a digit. */
static void read_line(struct mappings *mappings, const char *line, const char *end)
{
    if (*line >= 'A' && *line <= 'Z') {
        if (strncmp(line, "Rss:", 4) == 0)
            mappings->present.resident = kibibytes(line + 4);
        else if (strncmp(line, "AnonHugePages:", 14) == 0)
            mappings->present.huge = kibibytes(line + 14);
    } else {
        begin_mapping(mappings, line, end);
    }
}

/* Reads the lines that are whole. Returns the number of bytes of the one that is not, moved to the beginning. */
static size_t read_lines(struct mappings *mappings, size_t length)
{
    char *line = mappings->text, *end = line + length, *next;
    while (line < end && (next = memchr(line, '\n', (size_t)(end - line)))) {
        *next = '\0';
        read_line(mappings, line, next);
        line = next + 1;
    }
    size_t rest = (size_t)(end - line);
    memmove(mappings->text, line, rest);
    return rest;
}

void mappings_record(struct mappings *mappings, struct words *words)
{
    mappings->words = words;
    mappings->pagemap = os_page_size() == ALLOCTRACE_MEMORY_PAGE ? os_open_to_read("/proc/self/pagemap") : -1;
    mappings->missing |= mappings->pagemap < 0 ? ALLOCTRACE_MEMORY_NO_PAGES : 0;
    int smaps = os_open_to_read("/proc/self/smaps");
    size_t length = 0, got;
    while (smaps >= 0 && length < MAPPINGS_TEXT && (got = os_read(smaps, mappings->text + length, MAPPINGS_TEXT - length)) > 0)
        length = read_lines(mappings, length + got);
    record_mapping(mappings);
    mappings->missing |= mappings->has_any ? 0 : ALLOCTRACE_MEMORY_NO_MAPPINGS;
    if (smaps >= 0)
        os_close(smaps);
    if (mappings->pagemap >= 0)
        os_close(mappings->pagemap);
}

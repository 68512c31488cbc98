#include "capture/resident/words.h"

#include <string.h>

#include "capture/recording.h"
#include "session/session.h"

/* Returns the address of a word, or NULL if there is no room. */
static uint64_t *place_of(uint64_t word)
{
    uint64_t number = word / PER_EXTENT(uint64_t);
    if (number == session.extents_of[ALLOCTRACE_EXTENT_MEMORY]) {
        recording_lock();
        bool grown = session_grow(ALLOCTRACE_EXTENT_MEMORY);
        recording_unlock();
        if (!grown)
            return NULL;
    }
    return (uint64_t *)session.extent[ALLOCTRACE_EXTENT_MEMORY][number] + word % PER_EXTENT(uint64_t);
}

void words_add(struct words *words, uint64_t word)
{
    uint64_t *place = !words->is_full && words->next < words->end ? place_of(words->next) : NULL;
    words->is_full = !place;
    if (!place)
        return;
    *place = word;
    words->next++;
}

void words_begin(struct words *words, enum alloctrace_memory_item kind, uint32_t flags)
{
    words->item = words->next;
    words_add(words, (uint64_t)kind << 56 | flags);
}

void words_end(struct words *words)
{
    if (words->item < words->next) /* else there was no room for its header */
        *place_of(words->item) |= (words->next - words->item - 1) << 32;
}

void words_set(struct words *words, uint64_t number, uint64_t word)
{
    if (number < words->next)
        *place_of(number) = word;
}

void words_add_text(struct words *words, const char *text, size_t length)
{
    for (size_t at = 0; at <= length; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, text + at, length - at < sizeof word ? length - at : sizeof word);
        words_add(words, word);
    }
}

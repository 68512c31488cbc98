#include "python/text.h"

#include <string.h>

#include "python/memory.h"

static const char cut_mark[] = "\xe2\x80\xa6"; /* U+2026 */

static size_t encode(uint32_t character, char out[4])
{
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (char)(0xc0 | character >> 6);
        out[1] = (char)(0x80 | (character & 63));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (char)(0xe0 | character >> 12);
        out[1] = (char)(0x80 | (character >> 6 & 63));
        out[2] = (char)(0x80 | (character & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | character >> 18);
    out[1] = (char)(0x80 | (character >> 12 & 63));
    out[2] = (char)(0x80 | (character >> 6 & 63));
    out[3] = (char)(0x80 | (character & 63));
    return 4;
}

static uint32_t character_at(const uint8_t *data, unsigned kind, size_t index)
{
    uint16_t two;
    uint32_t four;
    switch (kind) {
    case 1:
        return data[index];
    case 2:
        memcpy(&two, data + 2 * index, sizeof two);
        return two;
    default:
        memcpy(&four, data + 4 * index, sizeof four);
        return four;
    }
}

size_t text_write(const struct python_runtime *python, uintptr_t text, char *buffer, size_t size)
{
    const struct layout *layout = python->layout;
    uint32_t state =
        text && read_pointer(text, layout->object.type) == python->unicode_type ? read_uint(text, layout->object.text_state) : 0;
    unsigned kind = state >> layout->object.kind_shift & 7;
    bool compact = state >> (layout->object.kind_shift + 3) & 1, ascii = state >> (layout->object.kind_shift + 4) & 1;
    if (!compact || (kind != 1 && kind != 2 && kind != 4)) {
        buffer[0] = '?';
        return 1;
    }

    size_t length = (size_t)read_size(text, layout->object.text_length);
    const uint8_t *data = (const uint8_t *)text + (ascii ? layout->object.ascii_data : layout->object.compact_data);
    if (ascii && length <= size) {
        memcpy(buffer, data, length);
        return length;
    }
    size_t used = 0, last_that_leaves_room = 0;
    for (size_t i = 0; i < length; i++) {
        char bytes[4];
        size_t count = encode(character_at(data, kind, i), bytes);
        if (used + count > size) {
            memcpy(buffer + last_that_leaves_room, cut_mark, sizeof cut_mark - 1);
            return last_that_leaves_room + sizeof cut_mark - 1;
        }
        memcpy(buffer + used, bytes, count);
        used += count;
        if (used + sizeof cut_mark - 1 <= size)
            last_that_leaves_room = used;
    }
    return used;
}

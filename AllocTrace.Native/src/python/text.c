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

uint32_t text_character(const struct text_view *view, size_t index)
{
    uint16_t two;
    uint32_t four;
    switch (view->kind) {
    case 1:
        return view->data[index];
    case 2:
        memcpy(&two, view->data + 2 * index, sizeof two);
        return two;
    default:
        memcpy(&four, view->data + 4 * index, sizeof four);
        return four;
    }
}

bool text_is_str(const struct python_runtime *python, uintptr_t object)
{
    /* Include/cpython/object.h: tp_flags is 19 words behind ob_size, from 3.8 to 3.15. Include/object.h: Py_TPFLAGS_UNICODE_SUBCLASS. */
    enum { FLAGS_BEHIND_SIZE = 19 * sizeof(uintptr_t), UNICODE_SUBCLASS = 1 << 28 };
    uintptr_t type = read_pointer(object, python->layout->object.type);
    return type == python->unicode_type || (type && read_pointer(type, python->layout->object.size + FLAGS_BEHIND_SIZE) & UNICODE_SUBCLASS);
}

/* Characters follow the object, or, in an instance of a subclass (unicode_subtype_new in Objects/unicodeobject.c), are in a block of their
 * own, whose address follows it. */
struct text_view text_view(const struct python_runtime *python, uintptr_t text)
{
    const struct layout *layout = python->layout;
    struct text_view none = {0};
    if (!text || !text_is_str(python, text))
        return none;
    uint32_t state = read_uint(text, layout->object.text_state);
    unsigned kind = state >> layout->object.kind_shift & 7;
    bool compact = state >> (layout->object.kind_shift + 3) & 1, ascii = state >> (layout->object.kind_shift + 4) & 1;
    if (kind != 1 && kind != 2 && kind != 4)
        return none; /* to 3.11: a wchar_t string that was never looked at */
    uintptr_t data = compact ? text + (ascii ? layout->object.ascii_data : layout->object.compact_data)
                             : read_pointer(text, layout->object.compact_data);
    if (!data)
        return none;
    return (struct text_view){.kind = kind, .length = (size_t)read_size(text, layout->object.text_length), .data = (const uint8_t *)data};
}

size_t text_encode(const struct text_view *view, char *buffer, size_t size, bool *cut)
{
    size_t used = 0;
    *cut = false;
    for (size_t i = 0; i < view->length; i++) {
        char bytes[4];
        size_t count = encode(text_character(view, i), bytes);
        if (used + count > size) {
            *cut = true;
            break;
        }
        memcpy(buffer + used, bytes, count);
        used += count;
    }
    return used;
}

size_t text_write(const struct python_runtime *python, uintptr_t text, char *buffer, size_t size)
{
    const size_t mark = sizeof cut_mark - 1;
    struct text_view view = text_view(python, text);
    bool cut;
    if (!view.kind) {
        buffer[0] = '?';
        return 1;
    }
    size_t used = text_encode(&view, buffer, size, &cut);
    if (!cut)
        return used;
    used = text_encode(&view, buffer, size - mark, &cut);
    memcpy(buffer + used, cut_mark, mark);
    return used + mark;
}

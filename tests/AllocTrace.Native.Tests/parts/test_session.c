#include <string.h>

#include "capture/code_cache.h"
#include "capture/intern.h"
#include "check.h"
#include "fake_python.h"
#include "python/text.h"
#include "capture/recording.h"

void strings_do_not_cross_extents(void)
{
    open_test_session(64u << 20);
    static char text[ALLOCTRACE_MAX_STRING_BYTES];
    uint32_t references[100];
    for (int i = 0; i < 100; i++) {
        memset(text, 'a' + i % 26, sizeof text);
        references[i] = session_string(text, sizeof text - (size_t)i * 500);
        CHECK(references[i] != 0 && references[i] % 4 == 0);
        CHECK(references[i] % ALLOCTRACE_EXTENT_BYTES + sizeof(uint32_t) + sizeof text - (size_t)i * 500 <= ALLOCTRACE_EXTENT_BYTES);
    }
    for (int i = 0; i < 100; i++) {
        uint32_t length;
        const char *kept = session_string_text(references[i], &length);
        CHECK(length == sizeof text - (size_t)i * 500);
        CHECK(kept[0] == 'a' + i % 26 && kept[length - 1] == 'a' + i % 26);
    }
}

void a_session_grows_only_where_there_is_room(void)
{
    open_test_session(4u << 20);
    while (session_grow(ALLOCTRACE_EXTENT_NODES))
        ;
    CHECK(ALLOCTRACE_HEADER_BYTES + (uint64_t)session.header->extents * ALLOCTRACE_EXTENT_BYTES <= 4u << 20);
    CHECK(session.header->extents == ((4u << 20) - ALLOCTRACE_HEADER_BYTES) / ALLOCTRACE_EXTENT_BYTES);
}

void text_is_written_as_utf8(void)
{
    open_test_session(8u << 20);
    char buffer[64];
    CHECK(text_write(&fake_runtime->python, fake_ascii("plain"), buffer, sizeof buffer) == 5 && memcmp(buffer, "plain", 5) == 0);
    const uint8_t latin[] = {'n', 0xe9};
    CHECK(text_write(&fake_runtime->python, fake_text(1, latin, 2), buffer, sizeof buffer) == 3 && memcmp(buffer, "n\xc3\xa9", 3) == 0);
    const uint16_t two[] = {0x20ac, 0xdc80}; /* the euro sign; a lone surrogate, as surrogateescape makes them */
    CHECK(text_write(&fake_runtime->python, fake_text(2, two, 2), buffer, sizeof buffer) == 6);
    CHECK(memcmp(buffer, "\xe2\x82\xac\xed\xb2\x80", 6) == 0);
    const uint32_t four[] = {0x1f40d};
    CHECK(text_write(&fake_runtime->python, fake_text(4, four, 1), buffer, sizeof buffer) == 4
          && memcmp(buffer, "\xf0\x9f\x90\x8d", 4) == 0);
    CHECK(text_write(&fake_runtime->python, fake_code("f", "n", 1, 8), buffer, sizeof buffer) == 1 && buffer[0] == '?');
}

void text_that_is_too_long_is_cut_at_a_character(void)
{
    open_test_session(8u << 20);
    char buffer[16];
    CHECK(text_write(&fake_runtime->python, fake_ascii("0123456789abcdef"), buffer, sizeof buffer) == 16);
    CHECK(text_write(&fake_runtime->python, fake_ascii("0123456789abcdefg"), buffer, sizeof buffer) == 16);
    CHECK(memcmp(buffer, "0123456789abc\xe2\x80\xa6", 16) == 0);
    const uint16_t euros[] = {0x20ac, 0x20ac, 0x20ac, 0x20ac, 0x20ac, 0x20ac};
    CHECK(text_write(&fake_runtime->python, fake_text(2, euros, 6), buffer, sizeof buffer) == 15);
    CHECK(memcmp(buffer + 12, "\xe2\x80\xa6", 3) == 0);
}

void code_cache_forgets_only_what_was_freed(void)
{
    open_test_session(64u << 20);
    enum { COUNT = 3000 };
    static uintptr_t codes[COUNT];
    char name[32];
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "function_%d", i);
        codes[i] = fake_code("file.py", name, i + 1, 16);
        const struct code_info *info = code_cache_get(&fake_runtime->python, codes[i]);
        CHECK(info && info->address == codes[i] && code_line(&layout_3_14, info, 4) == (uint32_t)i + 1);
        CHECK(code_may_be_cached((void *)codes[i]));
    }
    uint32_t epoch = code_cache.epoch;
    for (int i = 0; i < COUNT; i += 2)
        code_cache_drop((void *)codes[i]);
    CHECK(code_cache.epoch == epoch + COUNT / 2 && code_cache.live.count == COUNT / 2);
    code_cache_drop((void *)codes[0]);
    CHECK(code_cache.epoch == epoch + COUNT / 2);
    for (int i = 0; i < COUNT; i++) {
        const struct code_info *info = code_cache_get(&fake_runtime->python, codes[i]);
        CHECK(info && info->address == codes[i]);
        CHECK(info->number == (uint32_t)i); /* the same content has the same number */
    }
    CHECK(session.header->codes == COUNT);

    /* A free that was missed: other code at the same address is not taken for the old one. */
    uintptr_t other = fake_code("other.py", "other", 77, 16);
    memcpy((void *)codes[1], (void *)other, layout_3_14.code.bytecode);
    CHECK(code_cache_get(&fake_runtime->python, codes[1])->first_line == 77);
}

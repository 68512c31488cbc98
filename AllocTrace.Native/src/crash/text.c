#include "crash/text.h"

#include <stdbool.h>
#include <string.h>

#include "platform/compiler.h"
#include "session/session.h"

enum { LONGEST_TEXT = 1024, NO_TEXT = 0 };

/* Where the next text begins: its length, then its bytes. Reference 0 is empty: the first text. */
static uint32_t next_text(const struct alloctrace_crash *crash)
{
    const uint32_t room = ALLOCTRACE_EXTENT_BYTES - ALLOCTRACE_CRASH_TEXT_OFFSET;
    uint32_t at = crash->text_bytes ? crash->text_bytes : sizeof(uint32_t);
    return room - at < sizeof(uint32_t) + LONGEST_TEXT ? NO_TEXT : at;
}

static char *bytes_at(struct alloctrace_crash *crash, uint32_t at)
{
    return (char *)crash + ALLOCTRACE_CRASH_TEXT_OFFSET + at + sizeof(uint32_t);
}

static void finish(struct alloctrace_crash *crash, uint32_t at, uint32_t length)
{
    memcpy(bytes_at(crash, at) - sizeof length, &length, sizeof length);
    SHARED_STORE(crash->text_bytes, at + ((uint32_t)sizeof(uint32_t) + length + 3) / 4 * 4);
}

uint32_t crash_add_text(struct alloctrace_crash *crash, const struct text_view *text)
{
    uint32_t at = next_text(crash);
    bool cut;
    if (at != NO_TEXT)
        finish(crash, at, (uint32_t)text_encode(text, bytes_at(crash, at), LONGEST_TEXT, &cut));
    return at;
}

uint32_t crash_add_bytes(struct alloctrace_crash *crash, const char *bytes, size_t length)
{
    uint32_t at = next_text(crash);
    if (at == NO_TEXT || length > LONGEST_TEXT)
        return NO_TEXT;
    memcpy(bytes_at(crash, at), bytes, length);
    finish(crash, at, (uint32_t)length);
    return at;
}

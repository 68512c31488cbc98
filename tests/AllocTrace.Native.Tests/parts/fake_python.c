#include "fake_python.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/recording.h"
#include "lifecycle/lifecycle.h"
#include "check.h"
#include "session/session.h"

struct traced_runtime *fake_runtime;

static const char unicode_type, code_type;

static void put(uintptr_t object, unsigned offset, const void *value, size_t size)
{
    memcpy((char *)object + offset, value, size);
}

uintptr_t fake_text(unsigned kind, const void *characters, size_t length)
{
    const struct layout *l = &layout_3_14;
    unsigned bytes = kind ? kind : 1;
    unsigned data = kind ? l->object.compact_data : l->object.ascii_data;
    uintptr_t text = (uintptr_t)calloc(1, data + (length + 1) * bytes), type = (uintptr_t)&unicode_type;
    uint32_t state =
        (kind ? kind : 1) << l->object.kind_shift | 1u << (l->object.kind_shift + 3) | (kind ? 0u : 1u << (l->object.kind_shift + 4));
    put(text, l->object.type, &type, sizeof type);
    put(text, l->object.text_length, &length, sizeof length);
    put(text, l->object.text_state, &state, sizeof state);
    put(text, data, characters, length * bytes);
    return text;
}

uintptr_t fake_ascii(const char *text)
{
    return fake_text(0, text, strlen(text));
}

uintptr_t fake_code(const char *filename, const char *name, int first_line, unsigned units)
{
    const struct layout *l = &layout_3_14;
    uintptr_t code = (uintptr_t)calloc(1, l->code.bytecode + 2 * units), type = (uintptr_t)&code_type;
    size_t entries = (units + 7) / 8, size = units;
    uintptr_t table = (uintptr_t)calloc(1, l->object.bytes_data + entries + 1), file = fake_ascii(filename), text = fake_ascii(name);
    memset((char *)table + l->object.bytes_data, 0x80 | 10 << 3 | 7, entries); /* eight units, no line forward */
    put(table, l->object.size, &entries, sizeof entries);
    put(code, l->object.type, &type, sizeof type);
    put(code, l->object.size, &size, sizeof size);
    put(code, l->code.first_line, &first_line, sizeof first_line);
    put(code, l->code.filename, &file, sizeof file);
    put(code, l->code.name, &text, sizeof text);
    put(code, l->code.qualname, &text, sizeof text);
    put(code, l->code.line_table, &table, sizeof table);
    return code;
}

void open_test_session(unsigned long limit_bytes)
{
    open_test_session_with(limit_bytes, NULL);
}

void open_test_session_with(unsigned long limit_bytes, const char *text)
{
    static struct options options;
    static struct python_runtime python = {.version = "3.14.0 (made by hand)"};
    static const uintptr_t not_finalizing;
    static char folder[] = "/tmp/alloctrace-parts-XXXXXX";
    char error[256];
    CHECK(mkdtemp(folder));
    CHECK(options_parse(&options, folder, text, error, sizeof error));
    options.limit_bytes = limit_bytes;
    python.layout = &layout_3_14;
    python.unicode_type = (uintptr_t)&unicode_type;
    python.code_type = (uintptr_t)&code_type;
    python.finalizing = &not_finalizing;
    CHECK(lifecycle_arm(&options));
    fake_runtime = recording_add_runtime(&python, ALLOCTRACE_FOUND_AT_LOAD);
    CHECK(fake_runtime);
    recording_lock();
    CHECK(lifecycle_make_session());
    recording_unlock();
    unlink(session.file.path); /* the mapping is all that the tests need */
    rmdir(folder);
}

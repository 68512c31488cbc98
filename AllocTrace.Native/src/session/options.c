#include "session/options.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/os.h"

struct value {
    const char *text;
    size_t length;
};

static bool is(struct value value, const char *text)
{
    return strlen(text) == value.length && memcmp(value.text, text, value.length) == 0;
}

/* A number of bytes: digits, then nothing, K, M or G (powers of 1024), then perhaps "iB" or "B". */
static bool parse_bytes(struct value value, uint64_t *result)
{
    size_t i = 0;
    uint64_t number = 0;
    for (; i < value.length && value.text[i] >= '0' && value.text[i] <= '9'; i++) {
        if (number > (UINT64_MAX - 9) / 10)
            return false;
        number = number * 10 + (uint64_t)(value.text[i] - '0');
    }
    if (i == 0)
        return false;
    static const char units[] = "KMGkmg";
    const char *unit = i < value.length ? strchr(units, value.text[i]) : NULL;
    unsigned shift = unit && *unit ? (unsigned)((unit - units) % 3 + 1) * 10 : 0;
    if (shift)
        i++;
    struct value rest = {value.text + i, value.length - i};
    *result = number << shift;
    return *result >> shift == number && (rest.length == 0 || is(rest, "B") || (shift && is(rest, "iB")));
}

/* ---- a parser for each type of value: stores it in *field, or returns false ---- */

static bool parse_switch(struct value value, void *field)
{
    bool on = is(value, "on") || is(value, "1");
    *(bool *)field = on;
    return on || is(value, "off") || is(value, "0");
}

static bool parse_frames(struct value value, void *field)
{
    uint64_t frames;
    if (!parse_bytes(value, &frames) || frames > UINT32_MAX)
        return false;
    *(uint32_t *)field = (uint32_t)frames;
    return true;
}

static bool parse_limit(struct value value, void *field)
{
    return parse_bytes(value, field) && *(uint64_t *)field >= OPTIONS_SMALLEST_LIMIT;
}

static bool parse_sample(struct value value, void *field)
{
    return parse_bytes(value, field) && *(uint64_t *)field <= OPTIONS_LARGEST_SAMPLE;
}

static bool parse_events(struct value value, void *field)
{
    bool on;
    if (!parse_switch(value, &on))
        return parse_bytes(value, field) && *(uint64_t *)field >= OPTIONS_SMALLEST_EVENTS;
    *(uint64_t *)field = on ? OPTIONS_DEFAULT_EVENTS : 0;
    return true;
}

static bool parse_on_full(struct value value, void *field)
{
    *(uint32_t *)field = is(value, "drop") ? ALLOCTRACE_ON_FULL_DROP : ALLOCTRACE_ON_FULL_WAIT;
    return is(value, "drop") || is(value, "wait");
}

static bool parse_native(struct value value, void *field)
{
    static const char *const names[] = {
        [ALLOCTRACE_NATIVE_OFF] = "off", [ALLOCTRACE_NATIVE_MALLOC] = "malloc", [ALLOCTRACE_NATIVE_STACKS] = "stacks"};
    uint32_t i = 0;
    while (i < sizeof names / sizeof *names && !is(value, names[i]))
        i++;
    *(uint32_t *)field = i;
    return i < sizeof names / sizeof *names;
}

static bool parse_objects(struct value value, void *field)
{
    static const char *const names[] = {"off", "end", "peak", "end+peak"};
    uint32_t i = 0;
    while (i < sizeof names / sizeof *names && !is(value, names[i]))
        i++;
    *(uint32_t *)field = i; /* the sum of its parts */
    return i < sizeof names / sizeof *names;
}

/* Only switches it off: whether there can be one depends on ALLOCTRACE, too. */
static bool parse_collector(struct value value, void *field)
{
    *(bool *)field = *(bool *)field && is(value, "auto");
    return is(value, "auto") || is(value, "off");
}

static bool parse_domains(struct value value, void *field)
{
    static const char *const names[ALLOCTRACE_DOMAIN_TRACKED] = {"raw", "mem", "obj"};
    bool *domains = field;
    memset(domains, 0, ALLOCTRACE_DOMAIN_TRACKED * sizeof *domains);
    while (value.length) {
        const char *plus = memchr(value.text, '+', value.length);
        struct value name = {value.text, plus ? (size_t)(plus - value.text) : value.length};
        size_t i = 0;
        while (i < ALLOCTRACE_DOMAIN_TRACKED && !is(name, names[i]))
            i++;
        if (i == ALLOCTRACE_DOMAIN_TRACKED)
            return false;
        domains[i] = true;
        size_t consumed = name.length + (plus != NULL);
        value = (struct value){value.text + consumed, value.length - consumed};
    }
    return domains[0] || domains[1] || domains[2];
}

/* ---- the table ---- */

/* The one list of options. `alloctrace run`, AllocTrace.Sessions.RecordingOptions and the table of docs/embedding.md have the same; a test
 * compares them (OptionTableTests). */
static const struct option {
    const char *name, *wanted; /* wanted: what a message says of a wrong value */
    bool (*parse)(struct value value, void *field);
    size_t field;
} table[] = {
    {"frames", "a number of frames, 0 for all", parse_frames, offsetof(struct options, max_frames)},
    {"sample", "a number of bytes up to 1TiB, 0 for every allocation", parse_sample, offsetof(struct options, sample_bytes)},
    {"domains", "raw, mem and obj, joined by +", parse_domains, offsetof(struct options, domains)},
    {"children", "on or off", parse_switch, offsetof(struct options, children)},
    {"limit", "a number of bytes, 4MiB or more", parse_limit, offsetof(struct options, limit_bytes)},
    {"on_full", "wait or drop", parse_on_full, offsetof(struct options, on_full)},
    {"native", "off, malloc or stacks", parse_native, offsetof(struct options, native)},
    {"crash", "on or off", parse_switch, offsetof(struct options, crash)},
    {"events", "on, off, or the largest size of the log, 1MiB or more", parse_events, offsetof(struct options, events_bytes)},
    {"objects", "end, peak, end+peak or off", parse_objects, offsetof(struct options, objects)},
    {"collector", "auto or off", parse_collector, offsetof(struct options, starts_collector)},
};

const char *options_name(unsigned index)
{
    return index < sizeof table / sizeof *table ? table[index].name : NULL;
}

static const struct option *find_option(struct value name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (is(name, table[i].name))
            return &table[i];
    return NULL;
}

static bool fail(char *error, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool fail(char *error, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, size, format, arguments);
    va_end(arguments);
    return false;
}

/* Sets the path: sessions go into a folder, or a path that ends with a slash. Anything else names a database: sessions are beside it, under
 * its name. */
static bool set_path(struct options *options, const char *path, char *error, size_t error_size)
{
    char absolute[sizeof options->folder + sizeof options->prefix];
    int length = 0;
    if (path[0] != '/') {
        if (!os_current_folder(absolute, sizeof absolute - 1))
            return fail(error, error_size, "ALLOCTRACE=%.200s is relative, and the current folder is gone", path);
        length = (int)strlen(absolute);
        absolute[length++] = '/';
    }
    for (const char *c = path; *c; c++) {
        if ((size_t)length + 16 >= sizeof absolute)
            return fail(error, error_size, "ALLOCTRACE=%.200s… is too long", path);
        if (c[0] == '%' && c[1] == 'p') {
            length += snprintf(absolute + length, sizeof absolute - (size_t)length, "%u", os_process_id());
            c++;
        } else {
            absolute[length++] = *c;
        }
    }
    bool names_folder = length > 1 && absolute[length - 1] == '/';
    while (length > 1 && absolute[length - 1] == '/')
        length--;
    absolute[length] = '\0';

    bool folder = names_folder || os_folder_exists(absolute);
    char *name = absolute + length;
    if (!folder) {
        name = strrchr(absolute, '/');
        *name++ = '\0';
    }
    if (strlen(absolute) >= sizeof options->folder || strlen(name) + 2 > sizeof options->prefix)
        return fail(error, error_size, "ALLOCTRACE=%.200s… is too long", path);
    options->starts_collector = !folder && *name;
    memcpy(options->folder, absolute, strlen(absolute) + 1);
    snprintf(options->prefix, sizeof options->prefix, "%s%s", name, *name ? "." : "");
    return true;
}

static int shown(struct value value)
{
    enum { MOST = 80 };
    return (int)(value.length > MOST ? MOST : value.length);
}

static bool set_option(struct options *options, struct value item, char *error, size_t error_size)
{
    const char *equals = memchr(item.text, '=', item.length);
    if (!equals)
        return fail(error, error_size, "ALLOCTRACE_OPTIONS: \"%.*s\" is not name=value", shown(item), item.text);
    struct value name = {item.text, (size_t)(equals - item.text)}, value = {equals + 1, item.length - name.length - 1};
    const struct option *option = find_option(name);
    if (!option)
        return fail(error, error_size, "ALLOCTRACE_OPTIONS: no option \"%.*s\"", shown(name), name.text);
    if (!option->parse(value, (char *)options + option->field))
        return fail(error, error_size, "ALLOCTRACE_OPTIONS: %.*s: wanted %s", shown(item), item.text, option->wanted);
    return true;
}

bool options_parse(struct options *options, const char *path, const char *text, char *error, size_t error_size)
{
    *options = (struct options){.limit_bytes = OPTIONS_DEFAULT_LIMIT, .domains = {true, true, true}, .children = true};
    if (!set_path(options, path, error, error_size))
        return false;
    for (const char *item = text ? text : ""; *item;) {
        size_t length = strcspn(item, ",");
        if (length && !set_option(options, (struct value){item, length}, error, error_size))
            return false;
        item += length + (item[length] == ',');
    }
    if (options->objects && options->sample_bytes)
        return fail(error, error_size, "ALLOCTRACE_OPTIONS: objects needs every allocation, and sample leaves some out");
    return true;
}

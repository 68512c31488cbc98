#define _GNU_SOURCE
#include "session/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "platform/os.h"
#include "platform/status.h"

struct value {
    const char *text;
    size_t length;
};

static bool is(struct value value, const char *text)
{
    return strlen(text) == value.length && memcmp(value.text, text, value.length) == 0;
}

static bool parse_switch(struct value value, bool *result)
{
    *result = is(value, "on") || is(value, "1");
    return *result || is(value, "off") || is(value, "0");
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

static bool parse_domains(struct value value, bool domains[ALLOCTRACE_DOMAIN_TRACKED])
{
    static const char *const names[ALLOCTRACE_DOMAIN_TRACKED] = {"raw", "mem", "obj"};
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

/* NULL: fine. Otherwise what is wrong with the value. */
static const char *set_option(struct options *options, struct value name, struct value value)
{
    uint64_t number;
    bool on;
    if (is(name, "frames")) {
        if (!parse_bytes(value, &number) || number > UINT32_MAX)
            return "a number of frames, 0 for all";
        options->max_frames = (uint32_t)number;
    } else if (is(name, "limit")) {
        if (!parse_bytes(value, &options->limit_bytes) || options->limit_bytes < (4u << 20))
            return "a number of bytes, 4MiB or more";
    } else if (is(name, "domains")) {
        if (!parse_domains(value, options->domains))
            return "raw, mem and obj, joined by +";
    } else if (is(name, "children")) {
        if (!parse_switch(value, &options->children))
            return "on or off";
    } else if (is(name, "on_full")) {
        options->on_full = is(value, "drop") ? ALLOCTRACE_ON_FULL_DROP : ALLOCTRACE_ON_FULL_WAIT;
        if (!is(value, "drop") && !is(value, "wait"))
            return "wait or drop";
    } else if (is(name, "sample")) {
        if (!parse_bytes(value, &options->sample_bytes) || options->sample_bytes > OPTIONS_LARGEST_SAMPLE)
            return "a number of bytes up to 1TiB, 0 for every allocation";
    } else if (is(name, "crash")) {
        if (!parse_switch(value, &options->crash))
            return "on or off";
    } else if (is(name, "events")) {
        bool is_switch = parse_switch(value, &on);
        options->events_bytes = is_switch && on ? OPTIONS_DEFAULT_EVENTS : 0;
        if (!is_switch && (!parse_bytes(value, &options->events_bytes) || options->events_bytes < OPTIONS_SMALLEST_EVENTS))
            return "on, off, or the largest size of the log, 1MiB or more";
    } else if (is(name, "collector")) {
        if (!is(value, "off") && !is(value, "auto"))
            return "auto or off";
        options->starts_collector = options->starts_collector && is(value, "auto");
    } else {
        return "";
    }
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

/* A folder: sessions go into it. Anything else names a database: they go beside it, under its name. */
static bool set_path(struct options *options, const char *path, char *error, size_t error_size)
{
    char absolute[sizeof options->folder + sizeof options->prefix];
    int length = 0;
    if (path[0] != '/') {
        int saved = errno;
        if (!getcwd(absolute, sizeof absolute - 1))
            return fail(error, error_size, "ALLOCTRACE=%.200s is relative, and the current folder is gone", path);
        errno = saved;
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
    absolute[length] = '\0';

    struct stat status;
    int saved = errno;
    bool folder = os_stat(absolute, &status) == 0 && S_ISDIR(status.st_mode);
    errno = saved;
    char *name = absolute + length;
    if (!folder) {
        name = strrchr(absolute, '/');
        *name++ = '\0';
    }
    if (strlen(absolute) >= sizeof options->folder || strlen(name) + 2 > sizeof options->prefix)
        return fail(error, error_size, "ALLOCTRACE=%.200s… is too long", path);
    options->starts_collector = !folder && *name;
    memcpy(options->folder, absolute, strlen(absolute) + 1);
    memcpy(options->prefix, name, strlen(name) + 1);
    if (*name)
        strcat(options->prefix, ".");
    return true;
}

bool options_parse(struct options *options, const char *path, const char *text, char *error, size_t error_size)
{
    *options = (struct options){.limit_bytes = OPTIONS_DEFAULT_LIMIT, .domains = {true, true, true}, .children = true};
    if (!set_path(options, path, error, error_size))
        return false;
    for (const char *item = text ? text : ""; *item;) {
        size_t length = strcspn(item, ",");
        const char *equals = memchr(item, '=', length);
        if (length && !equals)
            return fail(error, error_size, "ALLOCTRACE_OPTIONS: \"%.*s\" is not name=value", (int)(length > 80 ? 80 : length), item);
        if (length) {
            struct value name = {item, (size_t)(equals - item)}, value = {equals + 1, (size_t)(item + length - equals - 1)};
            const char *wanted = set_option(options, name, value);
            int shown = (int)(length > 80 ? 80 : length);
            if (wanted && !*wanted)
                return fail(error, error_size, "ALLOCTRACE_OPTIONS: no option \"%.*s\"", (int)(name.length > 80 ? 80 : name.length),
                            name.text);
            if (wanted)
                return fail(error, error_size, "ALLOCTRACE_OPTIONS: %.*s: wanted %s", shown, item, wanted);
        }
        item += length + (item[length] == ',');
    }
    return true;
}

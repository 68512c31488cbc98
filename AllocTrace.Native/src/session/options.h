/* options.h: parses ALLOCTRACE and ALLOCTRACE_OPTIONS. */
#ifndef ALLOCTRACE_OPTIONS_H
#define ALLOCTRACE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alloctrace/wire.h"

enum {
    OPTIONS_DEFAULT_LIMIT = 1 << 30,
    OPTIONS_DEFAULT_EVENTS = 256 << 20,
    OPTIONS_SMALLEST_EVENTS = 1 << 20,
    OPTIONS_SMALLEST_LIMIT = 4 << 20
};
#define OPTIONS_LARGEST_SAMPLE (UINT64_C(1) << 40)

struct options {
    char folder[3584]; /* absolute, where the session file goes */
    char prefix[256];  /* its name begins with this */
    uint32_t max_frames;
    uint64_t sample_bytes; /* 0: every allocation is recorded */
    uint64_t limit_bytes;
    uint64_t events_bytes; /* the largest log of events; 0: none */
    uint32_t on_full;      /* enum alloctrace_on_full */
    bool domains[ALLOCTRACE_DOMAIN_TRACKED];
    bool children;
    uint32_t native;       /* enum alloctrace_native */
    bool crash;            /* a fatal signal leaves the stacks of all threads */
    uint32_t objects;      /* OPTIONS_OBJECTS_AT_END, OPTIONS_OBJECTS_AT_PEAK: when the process is copied */
    bool starts_collector; /* ALLOCTRACE names a database, and the collector is not off */
};

enum { OPTIONS_OBJECTS_AT_END = 1, OPTIONS_OBJECTS_AT_PEAK = 2 };

/* path: the value of ALLOCTRACE. text: that of ALLOCTRACE_OPTIONS or NULL. On a mistake: false, and one line in error. */
bool options_parse(struct options *options, const char *path, const char *text, char *error, size_t error_size);

/* Returns the name of the option with that number, counted from 0, or NULL when there are no more. */
const char *options_name(unsigned index);

#endif

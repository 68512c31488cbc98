/* tables.h: forgets the library's data by a session's numbers: stacks and code. Under the recording lock, or before there are hooks. */
#ifndef ALLOCTRACE_TABLES_H
#define ALLOCTRACE_TABLES_H

#include "capture/code_cache.h"
#include "capture/intern.h"
#include "capture/c_stacks/c_frames.h"
#include "capture/recording.h"

static inline void forget_tables(void)
{
    intern_reset();
    code_cache_reset();
    c_frames_reset();
    recording.fork_local->owned = false;
}

#endif

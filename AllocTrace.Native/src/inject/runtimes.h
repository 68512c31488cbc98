/* runtimes.h: which CPythons are in this process, and hooks in each of them.
 *
 * Hosts load libpython when they like, out of sight of dlsym(RTLD_DEFAULT) too, several of them, and unload them again. So the loaded
 * images themselves are looked through whenever something was loaded or unloaded since the last time: when this library is loaded, when the
 * host looks up a symbol (it must, to call what it loaded), and when CPython asks for a PYTHON… variable. dlopen is not wrapped: its
 * caller's RUNPATH would be lost.
 */
#ifndef ALLOCTRACE_RUNTIMES_H
#define ALLOCTRACE_RUNTIMES_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/recording.h"

/* Whether hosts' actions are watched: the recording is armed, and on. */
static inline bool runtimes_are_watched(void)
{
    return recording.fork_local && !recording.off;
}

/* Looks, if anything was loaded or unloaded. found: enum alloctrace_found. */
void runtimes_look(uint32_t found);

/* The same in the namespace (dlmopen) that the host's handle belongs to. */
void runtimes_look_in_namespace(void *handle);

/* Puts hooks back that were replaced, in the runtimes where the calling thread can tell. */
void runtimes_restore(void);

/* The same for the one in another namespace (dlmopen), when it has just called and so is certainly loaded: otherwise that cannot be found
 * out. With several of them, nothing: which one called is not known. */
void runtimes_restore_in_namespace(void);

/* None is hooked any more: the next look finds all of them anew. */
void runtimes_forget(void);

/* The runtime whose code the calling thread runs, as far as can be told; NULL: there is none. */
struct traced_runtime *runtimes_current(void);

#endif

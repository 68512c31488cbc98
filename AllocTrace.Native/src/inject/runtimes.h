/* runtimes.h: which CPythons are in this process, and hooks in each of them.
 *
 * Hosts load libpython when they like, out of sight of dlsym(RTLD_DEFAULT) too, several of them, and unload them again. So the loaded
 * images themselves are looked through whenever something was loaded or unloaded since the last time: when this library is loaded and when
 * the host looks up a symbol (it must, to call what it loaded). When a CPython asks for a PYTHON… variable, that one is looked at. dlopen
 * is not wrapped: its caller's RUNPATH would be lost.
 */
#ifndef ALLOCTRACE_RUNTIMES_H
#define ALLOCTRACE_RUNTIMES_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/recording.h"

/* Called under the loader's lock. */
struct runtimes_listener {
    void (*look)(void);                                            /* the images are looked through */
    void (*found)(const struct image *python, void *getenv_there); /* a CPython was hooked; getenv_there: see environment.c */
};

void runtimes_listen(const struct runtimes_listener *listener);

/* Returns true if hosts' actions are watched: the recording is armed, and on. */
static inline bool runtimes_are_watched(void)
{
    return recording.fork_local && !recording.off;
}

/* Looks, if anything was loaded or unloaded. found: enum alloctrace_found. Takes the loader's lock: for callers that do so anyway. */
void runtimes_look(uint32_t found);

/* Hooks the CPython that the address is in, if anything was loaded or unloaded. Takes no lock of the loader's that is held while others'
 * code runs: another thread may be within dlopen, in a constructor that waits for this one. An image that executes is relocated. */
void runtimes_look_at_caller(const void *address);

/* Looks in the namespace (dlmopen) of the host's handle. Takes the loader's lock. */
void runtimes_look_in_namespace(void *handle);

/* Installs hooks again that were replaced, in the runtimes where the calling thread can check. */
void runtimes_restore(void);

/* Restores the hooks of the runtime in another namespace (dlmopen), which has just called and so is certainly loaded: otherwise that cannot
 * be determined. Does nothing if there are several, because the caller is unknown. */
void runtimes_restore_in_namespace(void);

/* Removes the hooks of all runtimes: the next look finds these again. Under the loader's lock, so that none is unloaded meanwhile. */
void runtimes_unhook(void);

/* Returns the runtime whose code the calling thread runs, or NULL if none is found. */
struct traced_runtime *runtimes_current(void);

#endif

/* layers.h: the sets of hooks, with the allocators behind each. */
#ifndef ALLOCTRACE_LAYERS_H
#define ALLOCTRACE_LAYERS_H

#include "capture/recording.h"

enum {
    RAW = ALLOCTRACE_DOMAIN_RAW,
    MEM = ALLOCTRACE_DOMAIN_MEM,
    OBJ = ALLOCTRACE_DOMAIN_OBJ,
    DOMAINS = ALLOCTRACE_DOMAIN_TRACKED,
    LAYERS = 12,
};

/* One set of hooks in one runtime, with the original allocators. Hooks that were replaced and had to be installed again are a further
 * layer: with one set of originals for all, a hook that another tool kept (tracemalloc does) would lead back to itself. Of several layers
 * in one call only the outermost records. */
struct layer {
    struct traced_runtime *runtime;           /* NULL: not in use */
    uintptr_t (*attached_thread_state)(void); /* python_runtime's; never NULL */
    const uintptr_t *finalizing;              /* at 0: nothing has changed since the finalization was last looked at */
    struct python_allocator original[DOMAINS];
};

extern INTERNAL struct layer layers[LAYERS];

/* Sets the layers of the runtime, after *python.finalizing was read. */
void layers_follow_finalization(const struct traced_runtime *runtime);

/* The functions that CPython gets, by layer and domain (hook.c). A watch replaces only the free of domain obj. */
extern INTERNAL const struct python_allocator layer_hooks[LAYERS][DOMAINS];
extern INTERNAL void (*const layer_watches[LAYERS])(void *context, void *block);

#endif

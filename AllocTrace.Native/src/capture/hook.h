/* hook.h: the allocators that stand between a CPython and its own. */
#ifndef ALLOCTRACE_HOOK_H
#define ALLOCTRACE_HOOK_H

#include <stdbool.h>

#include "capture/recording.h"

/* Puts the hooks in front of the domains that the options name. False: there are too many runtimes. */
bool hook_install(struct traced_runtime *runtime);

/* Installs the hooks again after they were replaced: PYTHONMALLOC, -X dev and PyPreConfig.allocator replace all allocators during
 * pre-initialization. No-op while calls reach them. may_allocate: the thread is attached to an interpreter, so a probe can show if another
 * hook leads to ours; before there is one, any other allocator counts as a replacement. */
void hook_restore(struct traced_runtime *runtime, bool may_allocate);

/* Removes the hooks, except where another hook is in front of them: those stay, and forward the calls. */
void hook_remove(struct traced_runtime *runtime);

/* The runtime was unloaded, and its hooks with it. */
void hook_forget(const struct traced_runtime *runtime);

/* Blocks that an extension reports by PyTraceMalloc_Track and takes back by PyTraceMalloc_Untrack. runtime: whose stack it is. */
void hook_track(struct traced_runtime *runtime, unsigned domain, const void *block, unsigned long size);
void hook_untrack(unsigned domain, const void *block);

#endif

/* hook.h: the allocators that stand between CPython and its own. */
#ifndef ALLOCTRACE_HOOK_H
#define ALLOCTRACE_HOOK_H

#include <stdbool.h>

/* Puts the hooks in front of the domains that the options name. recording_arm came first. */
void hook_install(void);

/* Puts them back where something took them away: PYTHONMALLOC, -X dev and PyPreConfig.allocator replace all allocators during
 * pre-initialization. Does nothing while they are reached. may_allocate: the thread is attached to an interpreter, so that it can be found
 * out whether somebody else's hook leads to ours; before there is one, any other allocator counts as a replacement. */
void hook_restore(bool may_allocate);

/* Blocks that an extension reports by PyTraceMalloc_Track and takes back by PyTraceMalloc_Untrack. */
void hook_track(unsigned domain, const void *block, unsigned long size);
void hook_untrack(unsigned domain, const void *block);

#endif

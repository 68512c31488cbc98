/* hook.h: the allocators that stand between CPython and its own. */
#ifndef ALLOCTRACE_HOOK_H
#define ALLOCTRACE_HOOK_H

/* Puts the hooks in front of the domains that the options name. recording_arm came first. */
void hook_install(void);

/* Blocks that an extension reports by PyTraceMalloc_Track and takes back by PyTraceMalloc_Untrack. */
void hook_track(unsigned domain, const void *block, unsigned long size);
void hook_untrack(unsigned domain, const void *block);

#endif

/* loader.h: the dynamic loader's own lock, and its dlsym.
 *
 * dl_iterate_phdr (image.h) keeps images mapped during a walk, but dlopen links an image into the list before it relocates it, under
 * another lock. Import tables may be changed, variables read and functions called only under that other lock.
 */
#ifndef ALLOCTRACE_LOADER_H
#define ALLOCTRACE_LOADER_H

#include <stdbool.h>

/* Calls work while no other thread loads, relocates or unloads an image. Takes the lock that dlopen, dlsym and dlclose take: the caller may
 * hold it already (constructors do), but must hold no lock that a thread within dlopen may wait for. Preserves errno. Where the loader is
 * not glibc's, the call is made without the lock. */
void loader_call_locked(void (*work)(void *argument), void *argument);

/* Finds the loader's dlsym, which this library's own hides, and stores it in alloctrace_real_dlsym. Idempotent. */
void loader_find_dlsym(void);

extern void *(*alloctrace_real_dlsym)(void *handle, const char *name) __attribute__((visibility("hidden")));

/* Returns true if this C library is the one for which the library was built. With another one (musl), programs run unrecorded. */
bool loader_is_known(void);

#endif

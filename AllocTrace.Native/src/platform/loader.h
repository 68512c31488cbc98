/* loader.h: the dynamic loader's own lock, and its dlsym.
 *
 * dl_iterate_phdr (image.h) keeps images mapped during a walk, but dlopen links an image into the list before it relocates it, under
 * another lock. Import tables may be changed, variables read and functions called only under that other lock.
 */
#ifndef ALLOCTRACE_LOADER_H
#define ALLOCTRACE_LOADER_H

#include <stdbool.h>
#include <stdint.h>

/* Calls work while no other thread loads, relocates or unloads an image. Takes the lock that dlopen, dlsym and dlclose take: the caller may
 * hold it already (constructors do), but must hold no lock that a thread within dlopen may wait for. Preserves errno. Where the loader is
 * not glibc's, the call is made without the lock. */
void loader_call_locked(void (*work)(void *argument), void *argument);

/* Finds the loader's dlsym, which this library's own hides, and stores it in alloctrace_real_dlsym. Idempotent. */
void loader_find_dlsym(void);

extern void *(*alloctrace_real_dlsym)(void *handle, const char *name) __attribute__((visibility("hidden")));

/* Finds the loader's own look-up of addresses (glibc 2.35 and later). It may allocate: not from a hook. Idempotent. Returns whether there
 * is one. */
bool loader_begin_look_up(void);

/* Returns false if no image that the loader knows has the address, which must be of code that is in use. *unwind_index: the image's
 * .eh_frame_hdr, 0 if it has none. Takes no lock. Only after loader_begin_look_up returned true. */
bool loader_look_up(uintptr_t pc, uintptr_t *unwind_index);

/* Returns true if this C library is the one for which the library was built. With another one (musl), programs run unrecorded. */
bool loader_is_known(void);

#endif

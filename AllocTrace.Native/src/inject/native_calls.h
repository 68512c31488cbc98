/* native_calls.h: redirects to us what goes past liballoctrace-native.so (option native).
 *
 * Preloaded, that library has the first definition of malloc and its like, and everybody calls it. These go past it: images loaded with
 * RTLD_DEEPBIND, what is looked up with dlsym in the C library itself, and everybody when the library came too late or another allocator
 * comes before it. Their imports and look-ups are changed, as far as they lead to the allocator that ours calls in its turn. What leads to
 * yet another allocator stays: its blocks must not get mixed up with those of the first.
 */
#ifndef ALLOCTRACE_NATIVE_CALLS_H
#define ALLOCTRACE_NATIVE_CALLS_H

/* Redirects the imports of new images. Under the loader's lock; no-op without the option, or without a CPython. */
void native_calls_redirect(void);

/* Returns the answer of dlsym, or NULL for the answer of the C library's. handle: not RTLD_NEXT, which depends on the caller. */
void *native_calls_look_up(void *handle, const char *name);

#endif

/* thread_local.h: reads thread-local variables that images export, without the loader.
 *
 * dlsym and __tls_get_addr take the loader's lock, and may allocate. glibc keeps a thread's blocks in a vector (the DTV) that the thread
 * itself can read, and the relocations of an image say whether its variables lie at a fixed distance from the thread pointer instead.
 */
#ifndef ALLOCTRACE_THREAD_LOCAL_H
#define ALLOCTRACE_THREAD_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/image.h"

/* The place of a variable in each thread. One word, so that a thread reads it whole while another one stores it; 0: nowhere. */
typedef uint64_t thread_local_place;

/* Finds a variable of an image, which must be relocated: under the loader's lock (loader.h). Returns 0 if the image does not define it, and
 * on other processors than x86-64 and with other C libraries than glibc. */
thread_local_place thread_local_find(const struct image *image, const char *name);

/* Reads the calling thread's pointer there. Sets *pointer to 0 if the thread has no such variable yet. Returns false if the memory cannot
 * be read: the image was unloaded, or the system forbids it. Takes no lock and allocates nothing; preserves errno. */
bool thread_local_read(thread_local_place place, uintptr_t *pointer);

#endif

/* calls.h: stand in for the C library's functions of the same names without the prefix, and behave like them. Exported, for
 * liballoctrace-native.so alone. */
#ifndef ALLOCTRACE_CALLS_H
#define ALLOCTRACE_CALLS_H

#include <stddef.h>
#include <stdint.h>

void *alloctrace_native_malloc(size_t size);
void *alloctrace_native_calloc(size_t count, size_t size);
void *alloctrace_native_realloc(void *block, size_t size);
void *alloctrace_native_reallocarray(void *block, size_t count, size_t size);
void alloctrace_native_free(void *block);
int alloctrace_native_posix_memalign(void **block, size_t alignment, size_t size);
void *alloctrace_native_aligned_alloc(size_t alignment, size_t size);
void *alloctrace_native_memalign(size_t alignment, size_t size);
void *alloctrace_native_valloc(size_t size);
void *alloctrace_native_pvalloc(size_t size);

void *alloctrace_native_mmap(void *address, size_t length, int protection, int flags, int descriptor, int64_t offset);
int alloctrace_native_munmap(void *address, size_t length);
void *alloctrace_native_mremap(void *old, size_t old_length, size_t length, int flags, ...);

int alloctrace_native_dlclose(void *handle);

#endif

/* liballoctrace-native.so: the names of malloc's and mmap's families, for programs that are recorded with the option native.
 *
 * Preloaded beside liballoctrace.so, which has the functions (src/capture/native/calls.h). It is a library of its own so that a recording
 * without the option interposes none of these names.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/native/calls.h"

/* Declarations as the C library has them. Its headers are not included, because they attach attributes that only an implementation may
 * ignore. */
#define EXPORTED __attribute__((visibility("default")))

EXPORTED void *malloc(size_t size);
EXPORTED void *calloc(size_t count, size_t size);
EXPORTED void *realloc(void *block, size_t size);
EXPORTED void *reallocarray(void *block, size_t count, size_t size);
EXPORTED void free(void *block);
EXPORTED int posix_memalign(void **block, size_t alignment, size_t size);
EXPORTED void *aligned_alloc(size_t alignment, size_t size);
EXPORTED void *memalign(size_t alignment, size_t size);
EXPORTED void *valloc(size_t size);
EXPORTED void *pvalloc(size_t size);
EXPORTED void *mmap(void *address, size_t length, int protection, int flags, int descriptor, int64_t offset);
EXPORTED void *mmap64(void *address, size_t length, int protection, int flags, int descriptor, int64_t offset);
EXPORTED int munmap(void *address, size_t length);
EXPORTED void *mremap(void *old, size_t old_length, size_t length, int flags, ...);
EXPORTED int dlclose(void *handle);

void *malloc(size_t size)
{
    return alloctrace_native_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return alloctrace_native_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return alloctrace_native_realloc(block, size);
}

void *reallocarray(void *block, size_t count, size_t size)
{
    return alloctrace_native_reallocarray(block, count, size);
}

void free(void *block)
{
    alloctrace_native_free(block);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    return alloctrace_native_posix_memalign(block, alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return alloctrace_native_aligned_alloc(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
    return alloctrace_native_memalign(alignment, size);
}

void *valloc(size_t size)
{
    return alloctrace_native_valloc(size);
}

void *pvalloc(size_t size)
{
    return alloctrace_native_pvalloc(size);
}

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, int64_t offset)
{
    return alloctrace_native_mmap(address, length, protection, flags, descriptor, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int descriptor, int64_t offset)
{
    return alloctrace_native_mmap(address, length, protection, flags, descriptor, offset);
}

int munmap(void *address, size_t length)
{
    return alloctrace_native_munmap(address, length);
}

void *mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    void *address = va_arg(arguments, void *); /* whatever it is when there is none: then nobody looks at it */
    va_end(arguments);
    return alloctrace_native_mremap(old, old_length, length, flags, address);
}

int dlclose(void *handle)
{
    return alloctrace_native_dlclose(handle);
}

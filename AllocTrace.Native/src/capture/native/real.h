/* real.h: the allocator that the program would call without us. */
#ifndef ALLOCTRACE_REAL_H
#define ALLOCTRACE_REAL_H

#include <stddef.h>

#include "platform/compiler.h"

/* Usable at any time: before they are known, each finds itself. */
struct native_real {
    void *(*malloc)(size_t size);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *block, size_t size);
    void (*free)(void *block);
    int (*posix_memalign)(void **block, size_t alignment, size_t size);
    void *(*aligned_alloc)(size_t alignment, size_t size);
    void *(*memalign)(size_t alignment, size_t size);
    int (*dlclose)(void *handle);
};

extern INTERNAL struct native_real native_real;

/* Finds the first image in the loader's order that defines each function, without this library. dlsym would do the same, but may call
 * calloc. */
void native_find_real(void);

/* The path's last component is that of the library that exports our functions (interpose/native.c). */
#define NATIVE_EXPORTER "liballoctrace-native.so"

#endif

/* image.h: the executable and the libraries that are mapped in this process, read in place: which symbols they define, and through which
 * pointers they call others'.
 *
 * The loader's own look-up is not used: dlsym from here would keep libpython loaded when its host unloads it, sees nothing that was loaded
 * with RTLD_LOCAL, and finds this library's functions where the host's are wanted. An image is valid as long as the loader keeps it mapped.
 */
#ifndef ALLOCTRACE_IMAGE_H
#define ALLOCTRACE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image {
    uintptr_t base;
    const void *dynamic;                /* identifies it */
    const char *path;                   /* the loader's string; "" for the executable */
    uintptr_t begin, end;               /* 0 when it is of another namespace */
    uintptr_t sealed_begin, sealed_end; /* made read-only by the loader after relocation */
    size_t tls_module;                  /* the loader's number of its thread-local variables; 0: it has none, or is of another namespace */

    const void *symbols;
    const char *names, *own_name; /* own_name: DT_SONAME or NULL */
    const uint32_t *gnu_hash, *hash;
    const void *relocations[2]; /* of calls, of data */
    size_t relocation_count[2];
};

/* Counts that change whenever an image comes or goes. */
struct image_changes {
    unsigned long long added, removed;
};

struct image_changes image_changes(void);

/* Visits the images of this library's namespace, the executable first, until the visitor returns true. They stay mapped during the walk,
 * because the lock of the loader's list is held: the visitor must not load or unload any. Another thread may be relocating some of them:
 * their definitions can be found nevertheless, but see below for the rest. */
bool image_visit(bool (*visitor)(const struct image *image, void *context), void *context);

/* Visits the images of another namespace (dlmopen), of which the host holds a handle. Does nothing for a handle of this namespace. */
bool image_visit_namespace_of(void *handle, bool (*visitor)(const struct image *image, void *context), void *context);

/* Returns the number of images with a writable range that the loader makes read-only (RELRO): their relocation is not finished, or somebody
 * else has changed the range. Returns 0 if the system cannot tell (before Linux 5.14). */
unsigned image_count_unsealed(void);

/* The address of a symbol that the image defines, or NULL. For data see image_data. */
void *image_symbol(const struct image *image, const char *name);

/* The thread-local variable of that name that the image defines. */
struct image_thread_local {
    uint32_t symbol; /* its index in the image's symbols */
    size_t offset;   /* of the variable within the image's block of a thread */
};

/* Returns false if the image defines no such variable. */
bool image_thread_local(const struct image *image, const char *name, struct image_thread_local *found);

/* The address of the variable that the image means by a name it defines: an executable may have taken the place of a library's (copy
 * relocations). NULL: it defines no such symbol. For an image that is relocated: under the loader's lock (loader.h), or when it runs. */
void *image_data(const struct image *image, const char *name);

/* Returns the target of the image's calls of an imported function: an address in the image itself until the loader has bound it, 0 if the
 * image imports no such function. The image must be relocated. */
uintptr_t image_import(const struct image *image, const char *name);

/* A pointer through which an image gets at a symbol of another. */
struct import {
    const char *name;
    uintptr_t *slot;
    bool is_data; /* a variable of the image that began as that address, and that it may have changed since */
};

/* Calls the visitor with each import of the image. For an image that is relocated. */
void image_visit_imports(const struct image *image, void (*visitor)(const struct image *image, const struct import *import, void *context),
                         void *context);

/* Stores another address in an import. For an image that is relocated. */
void image_set_import(const struct image *image, const struct import *import, void *target);

/* Makes the image's calls of a function that it imports go to target. For an image that is relocated: the loader would add its base to the
 * new pointer, and fault on a page that this function makes read-only again. */
void image_redirect(const struct image *image, const char *name, void *target);

#endif

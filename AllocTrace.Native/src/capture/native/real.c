#include "capture/native/real.h"

#include <stdlib.h>
#include <string.h>

#include "platform/image.h"
#include "platform/os.h"

static void *first_malloc(size_t size)
{
    native_find_real();
    return native_real.malloc(size);
}

static void *first_calloc(size_t count, size_t size)
{
    native_find_real();
    return native_real.calloc(count, size);
}

static void *first_realloc(void *block, size_t size)
{
    native_find_real();
    return native_real.realloc(block, size);
}

static void first_free(void *block)
{
    native_find_real();
    native_real.free(block);
}

static int first_posix_memalign(void **block, size_t alignment, size_t size)
{
    native_find_real();
    return native_real.posix_memalign(block, alignment, size);
}

static void *first_aligned_alloc(size_t alignment, size_t size)
{
    native_find_real();
    return native_real.aligned_alloc(alignment, size);
}

static void *first_memalign(size_t alignment, size_t size)
{
    native_find_real();
    return native_real.memalign(alignment, size);
}

static int first_dlclose(void *handle)
{
    native_find_real();
    return native_real.dlclose(handle);
}

struct native_real native_real = {first_malloc,         first_calloc,        first_realloc,  first_free,
                                  first_posix_memalign, first_aligned_alloc, first_memalign, first_dlclose};

enum { FUNCTIONS = sizeof(struct native_real) / sizeof(void *) };

/* In the order of the structure's members. */
static const char *const names[FUNCTIONS] = {"malloc", "calloc", "realloc", "free", "posix_memalign", "aligned_alloc", "memalign", "dlclose"};

static bool is_ours(const struct image *image)
{
    uintptr_t own = (uintptr_t)native_find_real;
    return (own >= image->begin && own < image->end) || (image->own_name && strcmp(image->own_name, NATIVE_EXPORTER) == 0);
}

static bool note(const struct image *image, void *context)
{
    void **found = context;
    bool has_all = true;
    for (int i = 0; i < FUNCTIONS && !is_ours(image); i++)
        if (!found[i])
            found[i] = image_symbol(image, names[i]);
    for (int i = 0; i < FUNCTIONS; i++)
        has_all = has_all && found[i];
    return has_all;
}

/* Another thread may do the same at the same time, with the same result. */
void native_find_real(void)
{
    void *found[FUNCTIONS] = {0};
    image_visit(note, found);
    for (int i = 0; i < FUNCTIONS; i++) {
        if (!found[i]) {
            os_message("no image of this program defines %s", names[i]);
            abort();
        }
        __atomic_store_n((void **)&native_real + i, found[i], __ATOMIC_RELEASE);
    }
}

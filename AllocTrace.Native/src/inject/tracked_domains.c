#define _GNU_SOURCE
#include "inject/tracked_domains.h"

#include "capture/hook.h"
#include "inject/runtimes.h"

enum { TRACEMALLOC_IS_OFF = -2 };

static int track(unsigned int domain, uintptr_t block, size_t size)
{
    struct traced_runtime *runtime = runtimes_current();
    if (!runtime || !runtime->python.track)
        return TRACEMALLOC_IS_OFF;
    int result = runtime->python.track(domain, block, size);
    hook_track(runtime, domain, (const void *)block, size);
    return result;
}

static int untrack(unsigned int domain, uintptr_t block)
{
    struct traced_runtime *runtime = runtimes_current();
    if (!runtime || !runtime->python.untrack)
        return TRACEMALLOC_IS_OFF;
    hook_untrack(domain, (const void *)block);
    return runtime->python.untrack(domain, block);
}

/* Include/cpython/tracemalloc.h. Other names for the same functions: by these names even this library might get the executable's. */
__attribute__((visibility("default"), alias("track"))) int PyTraceMalloc_Track(unsigned int domain, uintptr_t block, size_t size);
__attribute__((visibility("default"), alias("untrack"))) int PyTraceMalloc_Untrack(unsigned int domain, uintptr_t block);

static bool visit(const struct image *image, void *unused)
{
    (void)unused;
    image_redirect(image, "PyTraceMalloc_Track", (void *)track);
    image_redirect(image, "PyTraceMalloc_Untrack", (void *)untrack);
    return false;
}

void tracked_domains_redirect(void)
{
    image_visit(visit, NULL);
}

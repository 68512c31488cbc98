#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "platform/image.h"
#include "platform/loader.h"

static uintptr_t sealed;

/* The C library's first read-only page. */
static bool find_sealed(const struct image *image, void *unused)
{
    (void)unused;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = image->sealed_begin & ~(page - 1);
    if (!image_symbol(image, "dlsym") || (uintptr_t)find_sealed - image->begin < image->end - image->begin)
        return false;
    sealed = begin;
    return true;
}

void images_that_the_loader_has_not_finished_are_counted(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned before = image_count_unsealed();
    CHECK(before == 0);
    CHECK(image_visit(find_sealed, NULL));
    CHECK(mprotect((void *)sealed, page, PROT_READ | PROT_WRITE) == 0);
    unsigned writable = image_count_unsealed();
    CHECK(mprotect((void *)sealed, page, PROT_READ) == 0);
    CHECK(writable == 1 || writable == 0); /* 0: Linux before 5.14 */
    CHECK(image_count_unsealed() == 0);
}

static void count_calls(void *count)
{
    ++*(int *)count;
}

void a_call_under_the_loaders_lock_is_made_once(void)
{
    int count = 0;
    loader_call_locked(count_calls, &count);
    CHECK(count == 1);
    loader_call_locked(count_calls, &count);
    CHECK(count == 2);
}

#define _GNU_SOURCE
#include "platform/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/image.h"

/* glibc only: musl has no symbol versions. */
#ifdef __GLIBC__
#define BUILT_FOR_GLIBC true
#else
#define BUILT_FOR_GLIBC false
#endif
extern void *dlvsym(void *handle, const char *name, const char *version) __attribute__((weak));

void *(*alloctrace_real_dlsym)(void *handle, const char *name);

bool loader_is_known(void)
{
    return (dlvsym != NULL) == BUILT_FOR_GLIBC;
}

static bool find_elsewhere(const struct image *image, void *unused)
{
    (void)unused;
    bool is_ours = (uintptr_t)find_elsewhere >= image->begin && (uintptr_t)find_elsewhere < image->end;
    void *found = is_ours ? NULL : image_symbol(image, "dlsym");
    if (found)
        alloctrace_real_dlsym = (void *(*)(void *, const char *))found;
    return found;
}

void loader_find_dlsym(void)
{
    /* By version, because by name dlsym finds ours: that of glibc 2.34 and later, then that of x86-64 and that of arm64 before it. */
    static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17"};
    for (unsigned i = 0; dlvsym && i < sizeof versions / sizeof *versions && !alloctrace_real_dlsym; i++)
        alloctrace_real_dlsym = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", versions[i]);
    if (!alloctrace_real_dlsym)
        image_visit(find_elsewhere, NULL);
}

/* ---- addresses ---- */

/* struct dl_find_object of glibc's <dlfcn.h> on x86-64, which older ones do not have. */
struct found_object {
    unsigned long long flags;
    void *begin, *end;
    struct link_map *map;
    void *index; /* of PT_GNU_EH_FRAME, NULL if there is none */
    unsigned long long reserved[7];
};

static int (*find_object)(void *address, struct found_object *found);

bool loader_begin_look_up(void)
{
    if (!find_object && dlvsym)
        find_object = (int (*)(void *, struct found_object *))dlvsym(RTLD_DEFAULT, "_dl_find_object", "GLIBC_2.35");
    return find_object;
}

bool loader_look_up(uintptr_t pc, uintptr_t *unwind_index)
{
    struct found_object found;
    bool is_found = find_object((void *)pc, &found) == 0;
    *unwind_index = is_found ? (uintptr_t)found.index : 0;
    return is_found;
}

/* ---- the lock ---- */

/* The function that the calling thread wants to run. */
struct call {
    void (*work)(void *argument);
    void *argument;
    bool is_done;
};

static _Thread_local struct call *wanted __attribute__((tls_model("initial-exec")));

static void do_nothing(void)
{
}

/* The loader offers no way to take its lock, but dlsym calls the resolver of an indirect function while it holds it (glibc: dlsym and
 * _dl_sym_post in elf/dl-sym-post.h). Each look-up calls the resolver again. */
static void (*resolve(void))(void)
{
    struct call *call = wanted;
    wanted = NULL;
    if (call) {
        call->work(call->argument);
        call->is_done = true;
    }
    return do_nothing;
}

void alloctrace_under_loader_lock(void);
__attribute__((visibility("default"), ifunc("resolve"))) void alloctrace_under_loader_lock(void);

/* This library, by a handle: another copy of it may be loaded, and by name its resolver would come first. Keeps the library loaded, as the
 * hooks that it installs need. */
static void *own_handle(void)
{
    static void *handle;
    Dl_info info;
    void *known = __atomic_load_n(&handle, __ATOMIC_ACQUIRE);
    if (!known && dladdr((void *)(uintptr_t)own_handle, &info) != 0 && info.dli_fname) {
        known = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
        __atomic_store_n(&handle, known, __ATOMIC_RELEASE);
    }
    return known;
}

void loader_call_locked(void (*work)(void *argument), void *argument)
{
    int saved = errno;
    struct call call = {work, argument, false};
    loader_find_dlsym();
    void *handle = loader_is_known() && alloctrace_real_dlsym ? own_handle() : NULL;
    if (handle) {
        wanted = &call;
        alloctrace_real_dlsym(handle, "alloctrace_under_loader_lock");
        wanted = NULL;
    }
    if (!call.is_done)
        work(argument);
    errno = saved;
}

/* After code was unloaded other code may be at its addresses: what is known of return addresses (unwind/rule.h) must not outlive it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#include "platform/loader.h"
#include "unwind/rule.h"

__attribute__((visibility("default"))) int dlclose(void *handle)
{
    static int (*next)(void *handle);
    int (*real)(void *handle) = __atomic_load_n(&next, __ATOMIC_RELAXED);
    if (!real) {
        loader_find_dlsym();
        real = alloctrace_real_dlsym ? (int (*)(void *))alloctrace_real_dlsym(RTLD_NEXT, "dlclose") : NULL;
        if (!real)
            return -1;
        __atomic_store_n(&next, real, __ATOMIC_RELAXED);
    }
    int result = real(handle);
    unwind_forget_code();
    return result;
}

/* How the library gets in when it is preloaded: its constructor runs before main, finds CPython among the process's symbols, and hooks it
 * before the interpreter's first allocation. No ALLOCTRACE or no CPython: nothing happens. */
#include <stdlib.h>

#include "capture/hook.h"
#include "capture/recording.h"
#include "inject/tracked_domains.h"

__attribute__((constructor)) static void on_load(void)
{
    const char *path = getenv("ALLOCTRACE");
    if (!path || !*path || os_is_privileged())
        return;
    static struct python_runtime python;
    if (!python_runtime_find(&python))
        return;
    static struct options options;
    char error[256];
    if (!options_parse(&options, path, getenv("ALLOCTRACE_OPTIONS"), error, sizeof error)) {
        os_message("%s; nothing is recorded", error);
        return;
    }
    if (!options.children)
        unsetenv("ALLOCTRACE"); /* so that programs that this one starts are left alone */
    if (!recording_arm(&options, &python))
        return;
    tracked_domains_find();
    recording.on_new_code = tracked_domains_redirect_new_libraries;
    hook_install();
}

__attribute__((destructor)) static void on_exit_handlers(void)
{
    recording_end();
}

/* Starts the library when it is preloaded: its constructor runs before main and before any interpreter's first allocation. Without
 * ALLOCTRACE it does nothing. Without a CPython, nothing is written until there is one. */
#include "inject/environment.h"
#include "inject/runtimes.h"
#include "lifecycle/lifecycle.h"
#include "platform/loader.h"

__attribute__((constructor)) static void on_load(void)
{
    environment_begin();
    if (!loader_is_known() || !environment_is_called_by_name() || !environment_arm())
        return;
    runtimes_look(ALLOCTRACE_FOUND_AT_LOAD);
}

__attribute__((destructor)) static void on_exit_handlers(void)
{
    lifecycle_end();
}

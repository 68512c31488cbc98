/* How the library gets in when it is preloaded: its constructor runs before main and before any interpreter's first allocation. No
 * ALLOCTRACE: nothing happens. No CPython yet: nothing is written until there is one. */
#include "capture/recording.h"
#include "inject/environment.h"
#include "inject/runtimes.h"
#include "inject/tracked_domains.h"

__attribute__((constructor)) static void on_load(void)
{
    if (!environment_is_called_by_name() || !environment_arm())
        return;
    recording.on_new_code = tracked_domains_redirect_new_libraries;
    runtimes_look(ALLOCTRACE_FOUND_AT_LOAD);
}

__attribute__((destructor)) static void on_exit_handlers(void)
{
    recording_end();
}

/* Records the end of a process that runs no exit handlers: os._exit, and so multiprocessing's workers, call _exit. Otherwise they would
 * look killed. */
#include <unistd.h>

#include "lifecycle/lifecycle.h"
#include "platform/os.h"

__attribute__((visibility("default"), noreturn)) void _exit(int status)
{
    lifecycle_end();
    os_exit(status);
}

__attribute__((visibility("default"), noreturn, alias("_exit"))) void _Exit(int status);

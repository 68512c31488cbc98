/* Records the end of a process that runs no exit handlers: os._exit, and so multiprocessing's workers, call _exit. Otherwise they would
 * look killed. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "lifecycle/lifecycle.h"

__attribute__((visibility("default"), noreturn)) void _exit(int status)
{
    lifecycle_end();
    for (;;)
        syscall(SYS_exit_group, status);
}

__attribute__((visibility("default"), noreturn, alias("_exit"))) void _Exit(int status);

/* How the end of a process is told that runs no exit handlers: os._exit, and with it multiprocessing's workers, call _exit. Without this
 * they would look like killed ones. */
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

/* status.h: stat(2), lstat(2) and fstat(2) as the kernel has them. glibc has these functions under their names since 2.33 only, and a
 * program built with it would not load with an older one. The kernel's structure is that of the C libraries on x86-64 and arm64. */
#ifndef ALLOCTRACE_STATUS_H
#define ALLOCTRACE_STATUS_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* All return 0, or -1 and errno. */

static inline int os_stat(const char *path, struct stat *status)
{
    return (int)syscall(SYS_newfstatat, AT_FDCWD, path, status, 0);
}

/* Reads the status of a symbolic link itself. */
static inline int os_lstat(const char *path, struct stat *status)
{
    return (int)syscall(SYS_newfstatat, AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

static inline int os_fstat(int descriptor, struct stat *status)
{
    return (int)syscall(SYS_fstat, descriptor, status);
}

#endif

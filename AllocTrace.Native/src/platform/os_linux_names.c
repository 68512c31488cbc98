/* Names of files and folders. */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "platform/os.h"
#include "platform/status.h"

bool os_folder_exists(const char *path)
{
    struct stat status;
    int saved = errno;
    bool exists = os_stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    errno = saved;
    return exists;
}

bool os_exists(const char *path)
{
    struct stat status;
    int saved = errno;
    bool exists = os_stat(path, &status) == 0;
    errno = saved;
    return exists;
}

static bool may(const char *path, int mode)
{
    int saved = errno;
    bool may = access(path, mode) == 0;
    errno = saved;
    return may;
}

bool os_may_read(const char *path)
{
    return may(path, R_OK);
}

bool os_may_execute(const char *path)
{
    return may(path, X_OK);
}

bool os_current_folder(char *buffer, size_t size)
{
    int saved = errno;
    bool exists = getcwd(buffer, size) != NULL;
    errno = saved;
    return exists;
}

#define _GNU_SOURCE
#include "platform/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "platform/os.h"
#include "platform/status.h"

static bool is_still_named(int descriptor, const char *path)
{
    struct stat opened, named;
    return os_fstat(descriptor, &opened) == 0 && os_lstat(path, &named) == 0 && opened.st_ino == named.st_ino
           && opened.st_dev == named.st_dev;
}

bool lock_file_is_planted(const char *path)
{
    struct stat named;
    int saved = errno;
    bool is_planted = os_lstat(path, &named) == 0 && (!S_ISREG(named.st_mode) || (named.st_uid != geteuid() && named.st_uid != 0));
    errno = saved;
    return is_planted;
}

/* Whoever had the file removes it at the end, perhaps between open and flock: then it is made anew. */
static int take(const char *path)
{
    for (int tries = 0; tries < 100; tries++) {
        int descriptor = os_open(path, O_RDWR | O_CREAT | O_NOFOLLOW);
        if (descriptor < 0)
            return -1;
        if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            os_close(descriptor);
            return -1;
        }
        if (is_still_named(descriptor, path))
            return descriptor;
        os_close(descriptor);
    }
    return -1;
}

int lock_file_take(const char *path)
{
    int saved = errno, descriptor = take(path);
    errno = saved;
    return descriptor;
}

bool lock_file_is_free(const char *path)
{
    int saved = errno, descriptor = os_open(path, O_RDWR | O_NOFOLLOW);
    bool is_free = descriptor < 0 || flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    if (descriptor >= 0)
        os_close(descriptor);
    errno = saved;
    return is_free;
}

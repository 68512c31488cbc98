#include "platform/os.h"

#include <errno.h>

/* glibc's texts for the errors of this library's system calls. strerror may allocate and translate, and strerrordesc_np, which does not,
 * exists since glibc 2.32. */
const char *os_error_text(int error)
{
    static const struct {
        int error;
        const char *text;
    } texts[] = {
        {EPERM, "Operation not permitted"},
        {ENOENT, "No such file or directory"},
        {EINTR, "Interrupted system call"},
        {EIO, "Input/output error"},
        {EBADF, "Bad file descriptor"},
        {EAGAIN, "Resource temporarily unavailable"},
        {ENOMEM, "Cannot allocate memory"},
        {EACCES, "Permission denied"},
        {EFAULT, "Bad address"},
        {EEXIST, "File exists"},
        {ENODEV, "No such device"},
        {ENOTDIR, "Not a directory"},
        {EISDIR, "Is a directory"},
        {EINVAL, "Invalid argument"},
        {ENFILE, "Too many open files in system"},
        {EMFILE, "Too many open files"},
        {ETXTBSY, "Text file busy"},
        {EFBIG, "File too large"},
        {ENOSPC, "No space left on device"},
        {EROFS, "Read-only file system"},
        {ENAMETOOLONG, "File name too long"},
        {ENOLCK, "No locks available"},
        {ENOSYS, "Function not implemented"},
        {ELOOP, "Too many levels of symbolic links"},
        {EOVERFLOW, "Value too large for defined data type"},
        {EOPNOTSUPP, "Operation not supported"},
        {EDQUOT, "Disk quota exceeded"},
        {ESTALE, "Stale file handle"},
    };
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].error == error)
            return texts[i].text;
    }
    return "the system refused it";
}

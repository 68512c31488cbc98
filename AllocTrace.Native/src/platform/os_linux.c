/* Memory, files and messages. */
#define _GNU_SOURCE
#include "platform/os.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "platform/status.h"

#ifndef MADV_WIPEONFORK /* Linux 4.14 */
#define MADV_WIPEONFORK 18
#endif

/* Programs expect the lowest free descriptor from open(): ours is moved up to here, or as high as the limit allows. */
#define DESCRIPTOR_FLOOR 900

/* System calls by number: the C library's functions of the same names are cancellation points. */

int os_open(const char *path, int flags)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

int os_open_to_read(const char *path)
{
    return os_open(path, O_RDONLY);
}

void os_close(int descriptor)
{
    syscall(SYS_close, descriptor);
}

/* Entries are taken and freed without a lock; size is stored after address, and 0 before it. */
static struct os_own_mapping own_mappings[OS_OWN_MAPPINGS];

static void note_mapping(void *memory, size_t size)
{
    for (size_t i = 0; i < OS_OWN_MAPPINGS; i++) {
        uintptr_t none = 0;
        if (__atomic_load_n(&own_mappings[i].address, __ATOMIC_RELAXED) == 0
            && __atomic_compare_exchange_n(&own_mappings[i].address, &none, (uintptr_t)memory, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            __atomic_store_n(&own_mappings[i].size, size, __ATOMIC_RELEASE);
            return;
        }
    }
}

static void forget_mapping(const void *memory)
{
    for (size_t i = 0; i < OS_OWN_MAPPINGS; i++)
        if (__atomic_load_n(&own_mappings[i].address, __ATOMIC_RELAXED) == (uintptr_t)memory) {
            __atomic_store_n(&own_mappings[i].size, 0, __ATOMIC_RELAXED);
            __atomic_store_n(&own_mappings[i].address, 0, __ATOMIC_RELEASE);
            return;
        }
}

const struct os_own_mapping *os_own_mappings_table(void)
{
    return own_mappings;
}

size_t os_own_mappings(struct os_own_mapping room[OS_OWN_MAPPINGS])
{
    size_t count = 0;
    for (size_t i = 0; i < OS_OWN_MAPPINGS; i++) {
        room[count].size = __atomic_load_n(&own_mappings[i].size, __ATOMIC_ACQUIRE);
        room[count].address = __atomic_load_n(&own_mappings[i].address, __ATOMIC_RELAXED);
        count += room[count].size != 0;
    }
    return count;
}

/* Functions of these names may be this library's own (interpose/native.c), but its own mappings are not the program's. */

void *os_mmap(void *address, size_t size, int protection, int flags, int descriptor, int64_t offset)
{
    return (void *)syscall(SYS_mmap, address, size, protection, flags, descriptor, offset);
}

int os_munmap(void *memory, size_t size)
{
    return (int)syscall(SYS_munmap, memory, size);
}

void *os_mremap(void *memory, size_t size, size_t new_size, int flags, void *new_address)
{
    return (void *)syscall(SYS_mremap, memory, size, new_size, flags, new_address);
}

void *os_map(size_t size)
{
    int saved = errno;
    void *memory = os_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    errno = saved;
    if (memory == MAP_FAILED)
        return NULL;
    note_mapping(memory, size);
    return memory;
}

void *os_map_wiped(size_t size)
{
    int saved = errno;
    void *memory = os_map(size);
    if (memory && madvise(memory, size, MADV_WIPEONFORK) != 0) {
        os_unmap(memory, size);
        memory = NULL;
    }
    errno = saved;
    return memory;
}

void os_unmap(void *memory, size_t size)
{
    int saved = errno;
    forget_mapping(memory);
    os_munmap(memory, size);
    errno = saved;
}

static bool identify(struct os_file *file)
{
    struct stat status;
    if (os_fstat(file->descriptor, &status) != 0)
        return false;
    file->device = status.st_dev;
    file->inode = status.st_ino;
    return true;
}

static int out_of_the_way(int descriptor)
{
    struct rlimit limit;
    int floor = DESCRIPTOR_FLOOR;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur <= DESCRIPTOR_FLOOR)
        floor = limit.rlim_cur > 16 ? (int)limit.rlim_cur - 8 : 3;
    int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, floor);
    if (moved < 0)
        return descriptor;
    os_close(descriptor);
    return moved;
}

bool os_file_create(struct os_file *file, const char **reason)
{
    int saved = errno;
    int descriptor = os_open(file->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (descriptor < 0) {
        *reason = os_error_text(errno);
        errno = saved;
        return false;
    }
    file->descriptor = out_of_the_way(descriptor);
    bool identified = identify(file);
    if (!identified) {
        *reason = os_error_text(errno);
        os_file_close(file);
    }
    errno = saved;
    return identified;
}

static bool still_ours(const struct os_file *file)
{
    struct stat status;
    return file->descriptor >= 0 && os_fstat(file->descriptor, &status) == 0 && status.st_dev == file->device
           && status.st_ino == file->inode;
}

static bool reopen(struct os_file *file)
{
    int descriptor = os_open(file->path, O_RDWR | O_NOFOLLOW);
    if (descriptor < 0)
        return false;
    file->descriptor = out_of_the_way(descriptor);
    if (still_ours(file))
        return true;
    os_close(file->descriptor);
    file->descriptor = -1;
    return false;
}

/* RLIMIT_FSIZE answers a file that would grow beyond it with SIGXFSZ, which ends the program: never get there. */
static bool within_file_size_limit(uint64_t end)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || end <= limit.rlim_cur;
}

/* Signals interrupt the call on tmpfs, and it has done nothing then: a program with a profiler's timer has one every millisecond. File
 * systems without the call get a byte in each block, written by functions that are cancellation points. */
static int reserve(const struct os_file *file, uint64_t offset, size_t size)
{
    int error, before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    do
        error = posix_fallocate(file->descriptor, (off_t)offset, (off_t)size);
    while (error == EINTR);
    pthread_setcancelstate(before, NULL);
    return error;
}

void *os_file_extend(struct os_file *file, uint64_t offset, size_t size, const char **reason)
{
    int saved = errno, error;
    void *memory = MAP_FAILED;
    if (!within_file_size_limit(offset + size))
        *reason = "larger than the limit on files (ulimit -f)";
    else if (!still_ours(file) && !reopen(file))
        *reason = "it is not there any more";
    else if ((error = reserve(file, offset, size)) != 0)
        *reason = os_error_text(error);
    else if ((memory = os_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file->descriptor, (int64_t)offset))
             == MAP_FAILED)
        *reason = "no memory to map it (ulimit -v?)";
    errno = saved;
    return memory == MAP_FAILED ? NULL : memory;
}

bool os_file_is_locked(const struct os_file *file, uint64_t byte, bool *known)
{
    int saved = errno;
    struct flock wanted = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
    *known = still_ours(file) && fcntl(file->descriptor, F_OFD_GETLK, &wanted) == 0;
    errno = saved;
    return *known && wanted.l_type != F_UNLCK;
}

void os_file_close(struct os_file *file)
{
    int saved = errno;
    if (still_ours(file))
        os_close(file->descriptor);
    file->descriptor = -1;
    errno = saved;
}

void os_file_remove(struct os_file *file)
{
    int saved = errno;
    os_file_close(file);
    unlink(file->path);
    errno = saved;
}

size_t os_read(int descriptor, void *buffer, size_t size)
{
    int saved = errno;
    long got;
    do
        got = syscall(SYS_read, descriptor, buffer, size);
    while (got < 0 && errno == EINTR);
    errno = saved;
    return got > 0 ? (size_t)got : 0;
}

size_t os_read_at(int descriptor, void *buffer, size_t size, uint64_t offset)
{
    int saved = errno;
    long got;
    do
        got = syscall(SYS_pread64, descriptor, buffer, size, offset);
    while (got < 0 && errno == EINTR);
    errno = saved;
    return got > 0 ? (size_t)got : 0;
}

size_t os_read_file(const char *path, char *buffer, size_t size)
{
    int saved = errno;
    size_t length = 0;
    int descriptor = os_open(path, O_RDONLY);
    if (descriptor >= 0) {
        size_t got;
        while (length < size && (got = os_read(descriptor, buffer + length, size - length)) > 0)
            length += got;
        os_close(descriptor);
    }
    errno = saved;
    return length;
}

void os_write(int descriptor, const char *text, size_t length)
{
    int saved = errno;
    for (size_t written = 0; written < length;) {
        long count = syscall(SYS_write, descriptor, text + written, length - written);
        if (count < 0 && errno != EINTR)
            break;
        written += count > 0 ? (size_t)count : 0;
    }
    errno = saved;
}

uintptr_t os_page_bytes(void)
{
    return (uintptr_t)sysconf(_SC_PAGESIZE); /* glibc has it from the system's start of the program: no system call */
}

bool os_read_memory(uintptr_t address, void *buffer, size_t size)
{
    struct iovec to = {buffer, size}, from = {(void *)address, size};
    int saved = errno;
    ssize_t copied = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
    errno = saved;
    return copied == (ssize_t)size;
}

/* One byte of each page. */
bool os_can_read(uintptr_t address, size_t size, bool *allowed)
{
    enum { PAGES = 16, PAGE = 4096 };
    int saved = errno;
    bool can = size > 0 && address + size > address, may = true;
    for (uintptr_t at = address, end = address + size; can && at < end;) {
        struct iovec to[PAGES], from[PAGES];
        char bytes[PAGES];
        unsigned count = 0;
        for (; count < PAGES && at < end; count++, at = (at / PAGE + 1) * PAGE) {
            to[count] = (struct iovec){&bytes[count], 1};
            from[count] = (struct iovec){(void *)at, 1};
        }
        ssize_t copied = process_vm_readv(getpid(), to, count, from, count, 0);
        can = copied == (ssize_t)count;
        may = copied >= 0 || errno == EFAULT;
    }
    if (allowed)
        *allowed = may;
    errno = saved;
    return can;
}

/* The system answers a write to a pipe without a reader, or to a file at its limit, with a signal that ends the program. This thread
 * discards such a signal unless it was pending before. */
enum { SIGSET_BYTES = 8 }; /* of the system's own signal sets */

static void write_unharmed(int descriptor, const char *text, size_t length)
{
    sigset_t deadly, before, pending;
    sigemptyset(&deadly);
    sigaddset(&deadly, SIGPIPE);
    sigaddset(&deadly, SIGXFSZ);
    if (pthread_sigmask(SIG_BLOCK, &deadly, &before) != 0)
        return;
    sigpending(&pending);
    if (syscall(SYS_write, descriptor, text, length) < 0 && (errno == EPIPE || errno == EFBIG)) {
        int sent = errno == EPIPE ? SIGPIPE : SIGXFSZ;
        const struct timespec at_once = {0, 0};
        sigemptyset(&deadly);
        sigaddset(&deadly, sent);
        if (!sigismember(&pending, sent))
            while (syscall(SYS_rt_sigtimedwait, &deadly, NULL, &at_once, SIGSET_BYTES) < 0 && errno == EINTR)
                ;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void os_message(const char *format, ...)
{
    int saved = errno;
    char line[1024] = "alloctrace: ";
    size_t used = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    va_end(arguments);
    used += wanted < 0 ? 0 : (size_t)wanted;
    if (used > sizeof line - 2)
        used = sizeof line - 2;
    line[used++] = '\n';
    write_unharmed(STDERR_FILENO, line, used); /* a closed stderr: nobody to tell */
    errno = saved;
}

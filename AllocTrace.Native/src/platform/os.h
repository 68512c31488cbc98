/* os.h: everything that the library asks of the operating system, with what it may expect back. The os_*.c files of one system fulfil it.
 *
 * None of these functions calls malloc or CPython, and none is a cancellation point (pthreads(7)): a thread that is to be cancelled is
 * within its program's PyMem_Malloc, with its program's locks. All preserve errno. Sizes are bytes, times nanoseconds.
 */
#ifndef ALLOCTRACE_OS_H
#define ALLOCTRACE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Maps zeroed private memory, or returns NULL. With os_map_wiped a forked child finds it zeroed again, however it was forked: it describes
 * threads and mappings that the child does not have. */
void *os_map(size_t size);
void *os_map_wiped(size_t size);
void os_unmap(void *memory, size_t size);

/* A mapping that os_map or os_map_wiped made. */
struct os_own_mapping {
    uintptr_t address;
    size_t size;
};

/* The mappings that were not unmapped, except those beyond the first OS_OWN_MAPPINGS. Returns how many it stored in room. */
enum { OS_OWN_MAPPINGS = 1024 };
size_t os_own_mappings(struct os_own_mapping room[OS_OWN_MAPPINGS]);

/* Returns the table of these mappings, for other processes that read this one's memory. Entries without address or size are unused. */
const struct os_own_mapping *os_own_mappings_table(void);

/* The system calls of those names, with errno as they leave it. They return MAP_FAILED, or -1, when they fail. */
void *os_mmap(void *address, size_t size, int protection, int flags, int descriptor, int64_t offset);
int os_munmap(void *memory, size_t size);
void *os_mremap(void *memory, size_t size, size_t new_size, int flags, void *new_address);

/* A file that only this user may open, made anew (fails when the name exists, follows no link), kept open on a descriptor that is out of
 * the program's way and closed by exec. */
struct os_file {
    int descriptor;
    uint64_t device, inode; /* hosts close all descriptors and use their numbers again: checked before each use */
    char path[4096];
};

bool os_folder_exists(const char *path);

/* These return true if there is anything of that name, and if this process may read or execute it. */
bool os_exists(const char *path);
bool os_may_read(const char *path);
bool os_may_execute(const char *path);

/* The path of the current folder, NUL terminated. Returns false if it is gone or longer than the buffer. */
bool os_current_folder(char *buffer, size_t size);

/* On failure: false, and why in *reason (a static string). file->path is set by the caller. */
bool os_file_create(struct os_file *file, const char **reason);

/* Makes [offset, offset + size) of the file usable memory: space is reserved first, so that touching it cannot fail later, then mapped
 * shared and touched. NULL when there is no space, or the file cannot be reached any more; why in *reason (a static string).
 */
void *os_file_extend(struct os_file *file, uint64_t offset, size_t size, const char **reason);

/* Returns true if another process has locked a byte of the file, in whichever namespaces it runs. Sets *known to false if the system cannot
 * tell: the host closed the descriptor, or the file system has no such locks. */
bool os_file_is_locked(const struct os_file *file, uint64_t byte, bool *known);

void os_file_close(struct os_file *file);

/* Closes it and removes its name. */
void os_file_remove(struct os_file *file);

uint64_t os_monotonic_ns(void);
uint64_t os_realtime_ns(void);
uint32_t os_process_id(void);
uint32_t os_parent_process_id(void);
uint32_t os_thread_id(void);
void os_thread_name(char name[16]);

/* Returns the start of this process, in the unit that distinguishes it from a later process with the same id. */
uint64_t os_process_started(void);

/* The size of a page, bytes. */
size_t os_page_size(void);

/* Returns true if the calling thread is the only one of this process. */
bool os_is_single_threaded(void);

/* The number of this process's namespace of a kind ("pid", "time"): the same for processes that share it. 0: not known. */
uint64_t os_namespace(const char *kind);

/* The path of the executable, NUL terminated, truncated to size. Returns its length. */
size_t os_executable(char *buffer, size_t size);

/* The arguments, each followed by NUL, truncated to size. Returns the length, without the last NUL. */
size_t os_command_line(char *buffer, size_t size);

/* The size of a page of memory. */
uintptr_t os_page_bytes(void);

/* Copies memory of this process that may not be there: false then, or when the system does not allow it. */
bool os_read_memory(uintptr_t address, void *buffer, size_t size);

/* Reads at the descriptor's position, or at an offset. Returns the number of bytes; 0 at the end, or when it cannot be read. */
size_t os_read(int descriptor, void *buffer, size_t size);
size_t os_read_at(int descriptor, void *buffer, size_t size, uint64_t offset);

/* Returns whether size bytes are readable now; another thread may unmap them afterwards. Safe in a signal handler. Sets *allowed (unless
 * NULL) to false when the system does not let the process find out; the result is then false. */
bool os_can_read(uintptr_t address, size_t size, bool *allowed);

/* Returns true if the process no longer exists, false if it does or that cannot be known. */
bool os_process_is_gone(uint32_t process);

/* Ends the process at once, without exit handlers. */
__attribute__((noreturn)) void os_exit(int status);

/* Returns true if the thread no longer exists, false if it does or that cannot be known. */
bool os_thread_is_gone(uint32_t process, uint32_t thread);

/* The activity of a thread of this process, as far as the system shows it. */
enum os_thread_activity {
    OS_THREAD_UNKNOWN, /* stopped, waiting for a page, or the system does not tell */
    OS_THREAD_RUNS,    /* or would, if there was a processor for it */
    OS_THREAD_WAITS,   /* in a system call, or gone */
};

/* *ran_ns: how long the thread has run so far, when it runs. */
enum os_thread_activity os_thread_activity(uint32_t thread, uint64_t *ran_ns);

/* Makes all running threads of this process pass a full memory barrier. False: the system does not do that. */
bool os_barrier_all(void);

/* open, with O_CLOEXEC and mode 0600, and close. -1: not opened, and errno says why. */
int os_open(const char *path, int flags);
int os_open_to_read(const char *path);
void os_close(int descriptor);

/* Reads up to size bytes of a file, of which the path is the system's or the program's own. Returns how many; 0 also when it cannot be
 * read. */
size_t os_read_file(const char *path, char *buffer, size_t size);

/* Writes everything, as far as it can be written. */
void os_write(int descriptor, const char *text, size_t length);

/* The system's text for an error number, never translated: the C library's strerror may load a file for that. */
const char *os_error_text(int error);

void os_random(void *buffer, size_t size);
void os_yield(void);
void os_sleep_ns(uint64_t duration);

/* The data for a copy of this process. All pointers are to memory that the copy shares with the process. */
struct os_copy_terms {
    const uint32_t *ends;   /* the copy ends when it is not 0 */
    const uint64_t *beat;   /* what the reader changes while it lives */
    const uint32_t *reader; /* the process that reads the copy, also where Yama restricts ptrace; 0: it will come */
    void (*last)(void);     /* what the copy does before it ends: nothing but stores to shared memory */
};

#define OS_COPY_LIFE_NS UINT64_C(30000000000)
#define OS_COPY_TIMEOUT_NS UINT64_C(4000000000)

/* Makes a copy of this process: a copy-on-write clone of the calling thread that runs nothing of the program. The copy holds no file and
 * gets no signal but SIGKILL and SIGSTOP. Returns its pid, or a negative errno. */
int32_t os_copy_process(const struct os_copy_terms *terms);

/* Reaps a copy that has ended. Returns false while it lives. */
bool os_copy_is_reaped(int32_t pid);

/* Returns the pid of a copy that this process made and did not reap, perhaps before it executed another program; 0: none is known. */
int32_t os_find_copy(void);

/* Returns whether memory for copying half of this process's private pages is there: in the system, and in the process's cgroup. */
bool os_memory_allows_copy(void);

/* True in a program that runs with more rights than its user (set-user-id and the like): such a program is never recorded. */
bool os_is_privileged(void);

/* Writes one line to stderr, in one write that raises no signal. Truncates long lines. */
void os_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

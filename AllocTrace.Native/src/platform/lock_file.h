/* lock_file.h: a file that one process has locked at a time (flock(2)). The lock belongs to the open file: whoever is handed the descriptor
 * has the lock, and it is released however that process ends. */
#ifndef ALLOCTRACE_LOCK_FILE_H
#define ALLOCTRACE_LOCK_FILE_H

#include <stdbool.h>

/* Makes the file if it is not there. Returns the descriptor of the locked file, or -1: another process has it, or it cannot be opened. */
int lock_file_take(const char *path);

/* Returns true if nobody has the file locked, also if it is not there. */
bool lock_file_is_free(const char *path);

/* Returns true if the file belongs to another user than this one and root, or is no regular file. */
bool lock_file_is_planted(const char *path);

#endif

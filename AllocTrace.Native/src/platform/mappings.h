/* mappings.h: finds the mapping at an address of this process. System calls only: an allocator may be in the middle of its own work, under
 * its own locks. */
#ifndef ALLOCTRACE_MAPPINGS_H
#define ALLOCTRACE_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct os_mapping {
    uintptr_t begin, end;
    uint64_t offset; /* in the file, bytes */
    uint64_t inode;  /* 0: no file */
    uintptr_t head;  /* where the file's first byte is mapped; 0: it is not */
    size_t path_length;
};

/* Looks up the mapping of an address. Writes its path, without NUL and truncated to path_size, to path, unless that is NULL. Names such as
 * [stack] and [vdso] are paths here. Returns false if nothing is mapped there or the system does not show it. Takes about 100 ns for each
 * mapping of the process. */
bool os_mapping_of(uintptr_t address, struct os_mapping *mapping, char *path, size_t path_size);

#endif

/* memory.h: reading another program's structures by offset. */
#ifndef ALLOCTRACE_MEMORY_H
#define ALLOCTRACE_MEMORY_H

#include <stdint.h>
#include <string.h>

/* Frames of other threads may be read while these run (alloctrace/callstack.h): such races are intended, and excluded from ThreadSanitizer.
 */
#ifdef __SANITIZE_THREAD__
#define RACE_IS_MEANT __attribute__((no_sanitize_thread))
#else
#define RACE_IS_MEANT
#endif

/* The interpreter's memory has its own types, so C requires memcpy to read it. Each compiles to one load. */
#define READ_AS(type, name)                                                                                                                \
    RACE_IS_MEANT static inline type read_##name(uintptr_t address, unsigned offset)                                                       \
    {                                                                                                                                      \
        type value;                                                                                                                        \
        memcpy(&value, (const void *)(address + offset), sizeof value);                                                                    \
        return value;                                                                                                                      \
    }

READ_AS(uintptr_t, pointer)
READ_AS(intptr_t, size)
READ_AS(int32_t, int)
READ_AS(uint32_t, uint)
READ_AS(uint8_t, byte)
#undef READ_AS

#endif

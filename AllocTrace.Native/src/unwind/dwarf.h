/* dwarf.h: numbers as unwind tables have them (DWARF 5, section 7.6; pointers: Linux Standard Base, "DWARF Extensions"). */
#ifndef ALLOCTRACE_UNWIND_DWARF_H
#define ALLOCTRACE_UNWIND_DWARF_H

#include <stdint.h>
#include <string.h>

static inline uint16_t dwarf_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint32_t dwarf_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint64_t dwarf_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* A number in groups of seven bits, and how many bits were read; bits above the 64th are dropped. */
static inline uint64_t dwarf_groups(const uint8_t **at, unsigned *bits)
{
    uint64_t value = 0;
    uint8_t byte;
    *bits = 0;
    do {
        byte = *(*at)++;
        if (*bits < 64)
            value |= (uint64_t)(byte & 0x7f) << *bits;
        *bits += 7;
    } while (byte & 0x80);
    return value;
}

static inline uint64_t dwarf_unsigned(const uint8_t **at)
{
    unsigned bits;
    return dwarf_groups(at, &bits);
}

static inline int64_t dwarf_signed(const uint8_t **at)
{
    unsigned bits;
    uint64_t value = dwarf_groups(at, &bits);
    if (bits < 64 && value >> (bits - 1) & 1)
        value |= UINT64_MAX << bits;
    return (int64_t)value;
}

enum {
    DWARF_POINTER_FORMAT = 0x0f,
    DWARF_POINTER_TO_SELF = 0x10, /* relative to where it is */
    DWARF_POINTER_TO_DATA = 0x30, /* relative to the section */
    DWARF_POINTER_BASE = 0x70,
    DWARF_POINTER_INDIRECT = 0x80,
};

/* Reads a pointer; `section` is the base of DWARF_POINTER_TO_DATA. */
static inline uintptr_t dwarf_pointer(const uint8_t **at, uint8_t encoding, uintptr_t section)
{
    uintptr_t base = 0, value;
    if ((encoding & DWARF_POINTER_BASE) == DWARF_POINTER_TO_SELF)
        base = (uintptr_t)*at;
    else if ((encoding & DWARF_POINTER_BASE) == DWARF_POINTER_TO_DATA)
        base = section;
    switch (encoding & DWARF_POINTER_FORMAT) {
    case 0x1:
        value = dwarf_unsigned(at);
        break;
    case 0x2:
        value = dwarf_u16(*at);
        *at += 2;
        break;
    case 0x3:
        value = dwarf_u32(*at);
        *at += 4;
        break;
    case 0x9:
        value = (uintptr_t)dwarf_signed(at);
        break;
    case 0xa:
        value = (uintptr_t)(intptr_t)(int16_t)dwarf_u16(*at);
        *at += 2;
        break;
    case 0xb:
        value = (uintptr_t)(intptr_t)(int32_t)dwarf_u32(*at);
        *at += 4;
        break;
    default:
        value = dwarf_u64(*at);
        *at += 8;
        break;
    }
    value = value ? value + base : 0;
    return value && (encoding & DWARF_POINTER_INDIRECT) ? *(const uintptr_t *)value : value;
}

#endif

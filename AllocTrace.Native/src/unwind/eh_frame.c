#include "unwind/eh_frame.h"

#include <string.h>

#include "unwind/dwarf.h"

enum {
    RETURN_ADDRESS = 16, /* the register's number: System V ABI for x86-64, "DWARF Register Number Mapping" */
    INDEX_VERSION = 1,
    SORTED_TABLE = 0x3b, /* signed 32-bit numbers, relative to the index */
    LONG_LENGTH = UINT32_MAX,
};

/* Reads an augmentation, whose letters name the data that follow. 'z' comes first: the length of all of them. */
static const uint8_t *read_augmentation(const char *letters, const uint8_t *at, struct eh_common *common)
{
    if (*letters != 'z')
        return at;
    uint64_t length = dwarf_unsigned(&at);
    const uint8_t *end = at + length;
    common->has_augmentation = true;
    for (letters++; *letters; letters++) {
        if (*letters == 'R') {
            common->pointer_encoding = *at++;
        } else if (*letters == 'L') {
            at++;
        } else if (*letters == 'P') {
            uint8_t encoding = *at++;
            dwarf_pointer(&at, encoding & ~DWARF_POINTER_INDIRECT, 0);
        } else if (*letters == 'S') {
            common->is_signal = true;
        }
    }
    return end;
}

static bool read_common(const uint8_t *at, struct eh_common *common)
{
    uint32_t length = dwarf_u32(at);
    if (length == LONG_LENGTH)
        return false;
    *common = (struct eh_common){.end = at + 4 + length};
    at += 8;
    uint8_t version = *at++;
    const char *letters = (const char *)at;
    at += strlen(letters) + 1;
    common->code_unit = dwarf_unsigned(&at);
    common->data_unit = dwarf_signed(&at);
    uint64_t return_address = version == 1 ? *at++ : dwarf_unsigned(&at);
    common->program = read_augmentation(letters, at, common);
    return return_address == RETURN_ADDRESS;
}

static bool read_function(const uint8_t *entry, struct eh_function *function)
{
    uint32_t length = dwarf_u32(entry);
    if (length == LONG_LENGTH || !read_common(entry + 4 - dwarf_u32(entry + 4), &function->common))
        return false;
    uint8_t encoding = function->common.pointer_encoding;
    const uint8_t *at = entry + 8;
    function->begin = dwarf_pointer(&at, encoding, 0);
    function->end = function->begin + dwarf_pointer(&at, encoding & DWARF_POINTER_FORMAT, 0);
    if (function->common.has_augmentation) {
        uint64_t augmentation = dwarf_unsigned(&at);
        at += augmentation;
    }
    function->program = at;
    function->program_end = entry + 4 + length;
    return true;
}

bool eh_find(uintptr_t index, uintptr_t pc, struct eh_function *function)
{
    const uint8_t *at = (const uint8_t *)index;
    uint8_t version = at[0], address_encoding = at[1], count_encoding = at[2], table_encoding = at[3];
    if (version != INDEX_VERSION || table_encoding != SORTED_TABLE)
        return false;
    at += 4;
    dwarf_pointer(&at, address_encoding, index);
    uint64_t low = 0, high = dwarf_pointer(&at, count_encoding, index);
    while (low < high) { /* the first function that begins beyond pc */
        uint64_t middle = low + (high - low) / 2;
        uintptr_t begin = index + (uintptr_t)(intptr_t)(int32_t)dwarf_u32(at + middle * 8);
        if (begin <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    uintptr_t entry = index + (uintptr_t)(intptr_t)(int32_t)dwarf_u32(at + (low - 1) * 8 + 4);
    return read_function((const uint8_t *)entry, function) && pc >= function->begin && pc < function->end;
}

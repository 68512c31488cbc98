/* "ELF Handling For Thread-Local Storage" (Drepper) for the layout of x86-64, variant II; glibc's sysdeps/x86_64/nptl/tls.h (tcbhead_t) and
 * sysdeps/generic/dl-dtv.h (dtv_t) for the vector, which debuggers and profilers read, too. */
#define _GNU_SOURCE
#include "platform/thread_local.h"

#include <link.h>
#include <string.h>

#include "platform/os.h"

#if defined(__x86_64__) && defined(__GLIBC__)

/* NULL in a program with musl that has this library preloaded: whose vector is another. */
extern const char *gnu_get_libc_version(void) __attribute__((weak)); /* <gnu/libc-version.h> */

/* A place is a distance from the thread pointer, or a module and an offset in its block. */
enum { DISTANCE_BIT = 63, MODULE_SHIFT = 40 };
static const uint64_t is_distance = UINT64_C(1) << DISTANCE_BIT, most_modules = UINT64_C(1) << (DISTANCE_BIT - MODULE_SHIFT),
                      most_offset = UINT64_C(1) << MODULE_SHIFT;

struct vector_entry {
    uintptr_t value;   /* of a module: its block, or -1; of entry 0: the generation; of the one before it: the number of modules */
    uintptr_t to_free; /* 0 for a block in the static area; something else before glibc 2.25 */
};

static bool has_to_free(void)
{
    const char *version = gnu_get_libc_version(); /* "2.36" */
    unsigned minor = 0;
    for (const char *digit = version + 2; *digit >= '0' && *digit <= '9'; digit++)
        minor = 10 * minor + (unsigned)(*digit - '0');
    return strncmp(version, "2.", 2) == 0 && minor >= 25;
}

static uintptr_t thread_pointer(void)
{
    uintptr_t pointer;
    __asm__("mov %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

/* Returns NULL if the thread has no block of the module. Only the thread itself replaces its vector, so that is whole here. */
static const struct vector_entry *block_of(uintptr_t thread, size_t module)
{
    const struct vector_entry *vector = ((const struct vector_entry *const *)thread)[1];
    bool has_block = module <= vector[-1].value && vector[module].value != UINTPTR_MAX && vector[module].value != 0;
    return has_block ? &vector[module] : NULL;
}

/* The distance of an image's variable that a relocation has, or 0. A variable in the static area lies before the thread pointer, so its
 * distance is negative, which no pointer is. The second word of a TLSDESC is that distance, or a pointer (glibc's _dl_tlsdesc_return and
 * _dl_tlsdesc_dynamic). */
static intptr_t distance_in(const struct image *image, const ElfW(Rela) * relocation, const struct image_thread_local *variable)
{
    uint32_t type = (uint32_t)ELF64_R_TYPE(relocation->r_info), symbol = (uint32_t)ELF64_R_SYM(relocation->r_info);
    bool is_it =
        symbol == variable->symbol ? relocation->r_addend == 0 : symbol == STN_UNDEF && (size_t)relocation->r_addend == variable->offset;
    if (!is_it || (type != R_X86_64_TLSDESC && type != R_X86_64_TPOFF64))
        return 0;
    const intptr_t *words = (const intptr_t *)(image->base + relocation->r_offset);
    intptr_t distance = words[type == R_X86_64_TLSDESC];
    return distance < 0 ? distance : 0;
}

thread_local_place thread_local_find(const struct image *image, const char *name)
{
    struct image_thread_local variable;
    if (!gnu_get_libc_version || !image_thread_local(image, name, &variable))
        return 0;
    for (unsigned table = 0; table < 2; table++) {
        const ElfW(Rela) *relocations = image->relocations[table];
        for (size_t i = 0; relocations && i < image->relocation_count[table]; i++) {
            intptr_t distance = distance_in(image, &relocations[i], &variable);
            if (distance)
                return is_distance | (uint64_t)-distance;
        }
    }
    uintptr_t thread = thread_pointer();
    const struct vector_entry *block = block_of(thread, image->tls_module);
    if (block && has_to_free() && block->to_free == 0 && block->value + variable.offset < thread)
        return is_distance | (thread - block->value - variable.offset);
    if (image->tls_module >= most_modules || variable.offset >= most_offset)
        return 0;
    return (uint64_t)image->tls_module << MODULE_SHIFT | variable.offset;
}

bool thread_local_read(thread_local_place place, uintptr_t *pointer)
{
    uintptr_t thread = thread_pointer();
    *pointer = 0;
    if (place & is_distance) { /* the static area is the thread's for its life, also when the image is gone */
        memcpy(pointer, (const void *)(thread - (place & ~is_distance)), sizeof *pointer);
        return true;
    }
    const struct vector_entry *block = block_of(thread, place >> MODULE_SHIFT);
    return !block || os_read_memory(block->value + (place & (most_offset - 1)), pointer, sizeof *pointer);
}

#else

thread_local_place thread_local_find(const struct image *image, const char *name)
{
    (void)image, (void)name;
    return 0;
}

bool thread_local_read(thread_local_place place, uintptr_t *pointer)
{
    (void)place;
    *pointer = 0;
    return true;
}

#endif

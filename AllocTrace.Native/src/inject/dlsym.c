/* A host that loads libpython looks its functions up before it can call them: the moment to hook it, before Py_Initialize.
 *
 * The real dlsym finds out by its return address whose RTLD_NEXT and RTLD_DEFAULT are meant, so ours ends in a jump to it, with stack and
 * argument registers as they were. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

#include "inject/dlsym.h"
#include "inject/runtimes.h"
#include "platform/image.h"

void *(*alloctrace_real_dlsym)(void *handle, const char *name);

void alloctrace_before_dlsym(void *handle, const char *name);

#ifdef __GLIBC__

/* By version, since by name dlsym would find ours: that of glibc 2.34 and later, then that of x86-64 and that of arm64 before it. */
static void find_real(void)
{
    static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17"};
    for (unsigned i = 0; i < sizeof versions / sizeof *versions && !alloctrace_real_dlsym; i++)
        alloctrace_real_dlsym = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", versions[i]);
}

#else

static bool note_others(const struct image *image, void *unused)
{
    (void)unused;
    if ((uintptr_t)note_others < image->begin || (uintptr_t)note_others >= image->end)
        alloctrace_real_dlsym = (void *(*)(void *, const char *))image_symbol(image, "dlsym");
    return alloctrace_real_dlsym;
}

/* musl has no versions, but one library, which no program does without. */
static void find_real(void)
{
    image_visit(note_others, NULL);
}

#endif

void alloctrace_before_dlsym(void *handle, const char *name)
{
    if (!alloctrace_real_dlsym)
        find_real();
    if (!runtimes_are_watched())
        return;
    runtimes_look(ALLOCTRACE_FOUND_DLSYM);
    if (handle != RTLD_DEFAULT && handle != RTLD_NEXT && name && strncmp(name, "Py", 2) == 0)
        runtimes_look_in_namespace(handle);
    runtimes_restore();
}

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl dlsym\n"
        ".type dlsym, @function\n"
        ".globl alloctrace_dlsym\n"
        ".hidden alloctrace_dlsym\n"
        "alloctrace_dlsym:\n"
        "dlsym:\n"
        "    .cfi_startproc\n"
        "    endbr64\n"
        "    push %rdi\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    push %rsi\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    sub $8, %rsp\n" /* the ABI's alignment */
        "    .cfi_adjust_cfa_offset 8\n"
        "    call alloctrace_before_dlsym\n"
        "    add $8, %rsp\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    pop %rsi\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    pop %rdi\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    jmp *alloctrace_real_dlsym(%rip)\n"
        "    .cfi_endproc\n"
        ".size dlsym, . - dlsym\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl dlsym\n"
        ".type dlsym, %function\n"
        ".globl alloctrace_dlsym\n"
        ".hidden alloctrace_dlsym\n"
        "alloctrace_dlsym:\n"
        "dlsym:\n"
        "    stp x29, x30, [sp, #-32]!\n"
        "    stp x0, x1, [sp, #16]\n"
        "    bl alloctrace_before_dlsym\n"
        "    ldp x0, x1, [sp, #16]\n"
        "    ldp x29, x30, [sp], #32\n"
        "    adrp x16, alloctrace_real_dlsym\n"
        "    ldr x16, [x16, :lo12:alloctrace_real_dlsym]\n"
        "    br x16\n"
        ".size dlsym, . - dlsym\n");
#endif

/* A host that loads libpython looks its functions up before it can call them: the moment to hook it, before Py_Initialize.
 *
 * The real dlsym uses its return address to find the caller of RTLD_NEXT and RTLD_DEFAULT, so ours ends in a jump to it, with stack and
 * argument registers unchanged. With the option native, malloc and its like are answered here. */
#define _GNU_SOURCE
#include "inject/dlsym.h"

#include <dlfcn.h>
#include <string.h>

#include "inject/native_calls.h"
#include "inject/runtimes.h"
#include "platform/loader.h"

void *alloctrace_before_dlsym(void *handle, const char *name);

/* Returns the address that the host gets, or NULL if the real dlsym has to find it. */
void *alloctrace_before_dlsym(void *handle, const char *name)
{
    if (!alloctrace_real_dlsym)
        loader_find_dlsym();
    if (!runtimes_are_watched())
        return NULL;
    runtimes_look(ALLOCTRACE_FOUND_DLSYM);
    if (handle != RTLD_DEFAULT && handle != RTLD_NEXT && name && strncmp(name, "Py", 2) == 0)
        runtimes_look_in_namespace(handle);
    runtimes_restore();
    return handle != RTLD_NEXT && name ? native_calls_look_up(handle, name) : NULL;
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
        "    test %rax, %rax\n"
        "    jne 1f\n"
        "    jmp *alloctrace_real_dlsym(%rip)\n"
        "1:  ret\n"
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
        "    mov x17, x0\n"
        "    ldp x0, x1, [sp, #16]\n"
        "    ldp x29, x30, [sp], #32\n"
        "    cbnz x17, 1f\n"
        "    adrp x16, alloctrace_real_dlsym\n"
        "    ldr x16, [x16, :lo12:alloctrace_real_dlsym]\n"
        "    br x16\n"
        "1:  mov x0, x17\n"
        "    ret\n"
        ".size dlsym, . - dlsym\n");
#endif

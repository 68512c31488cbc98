#define _GNU_SOURCE
#include "inject/tracked_domains.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/hook.h"

#if defined(__x86_64__)
enum { CALL_SLOT = R_X86_64_JUMP_SLOT, DATA_SLOT = R_X86_64_GLOB_DAT };
#elif defined(__aarch64__)
enum { CALL_SLOT = R_AARCH64_JUMP_SLOT, DATA_SLOT = R_AARCH64_GLOB_DAT };
#endif

static int (*real_track)(unsigned int domain, uintptr_t block, size_t size);
static int (*real_untrack)(unsigned int domain, uintptr_t block);

enum { TRACEMALLOC_IS_OFF = -2 };

static int track(unsigned int domain, uintptr_t block, size_t size)
{
    int result = real_track ? real_track(domain, block, size) : TRACEMALLOC_IS_OFF;
    hook_track(domain, (const void *)block, size);
    return result;
}

static int untrack(unsigned int domain, uintptr_t block)
{
    hook_untrack(domain, (const void *)block);
    return real_untrack ? real_untrack(domain, block) : TRACEMALLOC_IS_OFF;
}

/* Include/cpython/tracemalloc.h. Other names for the same functions: by these names even this library might get the executable's. */
__attribute__((visibility("default"), alias("track"))) int PyTraceMalloc_Track(unsigned int domain, uintptr_t block, size_t size);
__attribute__((visibility("default"), alias("untrack"))) int PyTraceMalloc_Untrack(unsigned int domain, uintptr_t block);

static void *real(const char *name, void *ours)
{
    void *next = dlsym(RTLD_NEXT, name);
    if (!next)
        next = dlsym(RTLD_DEFAULT, name);
    return next == ours ? NULL : next;
}

void tracked_domains_find(void)
{
    real_track = (int (*)(unsigned int, uintptr_t, size_t))real("PyTraceMalloc_Track", (void *)track);
    real_untrack = (int (*)(unsigned int, uintptr_t))real("PyTraceMalloc_Untrack", (void *)untrack);
}

/* ---- redirecting ---- */

struct library {
    ElfW(Addr) base;
    const ElfW(Sym) * symbols;
    const char *names;
    const ElfW(Rela) * relocations[2]; /* of calls, of data */
    size_t count[2];
    uintptr_t sealed_from, sealed_to; /* pages that the loader made read-only after relocation */
};

static bool describe(struct library *library, const struct dl_phdr_info *info)
{
    *library = (struct library){.base = info->dlpi_addr};
    const ElfW(Dyn) *dynamic = NULL;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_DYNAMIC)
            dynamic = (const ElfW(Dyn) *)(info->dlpi_addr + header->p_vaddr);
        if (header->p_type == PT_GNU_RELRO) {
            library->sealed_from = info->dlpi_addr + header->p_vaddr;
            library->sealed_to = library->sealed_from + header->p_memsz;
        }
    }
    if (!dynamic)
        return false;
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        /* glibc has added the base already, other loaders leave it to us. */
        uintptr_t address = dynamic->d_un.d_ptr < library->base ? library->base + dynamic->d_un.d_ptr : dynamic->d_un.d_ptr;
        switch (dynamic->d_tag) {
        case DT_SYMTAB:
            library->symbols = (const ElfW(Sym) *)address;
            break;
        case DT_STRTAB:
            library->names = (const char *)address;
            break;
        case DT_JMPREL:
            library->relocations[0] = (const ElfW(Rela) *)address;
            break;
        case DT_PLTRELSZ:
            library->count[0] = dynamic->d_un.d_val / sizeof(ElfW(Rela));
            break;
        case DT_RELA:
            library->relocations[1] = (const ElfW(Rela) *)address;
            break;
        case DT_RELASZ:
            library->count[1] = dynamic->d_un.d_val / sizeof(ElfW(Rela));
            break;
        }
    }
    return library->symbols && library->names;
}

static void redirect(const struct library *library, uintptr_t *slot, uintptr_t target)
{
    if (*slot == target)
        return;
    uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE), page = (uintptr_t)slot & ~(page_size - 1);
    bool sealed = page >= library->sealed_from && page < (library->sealed_to & ~(page_size - 1));
    if (sealed && mprotect((void *)page, page_size, PROT_READ | PROT_WRITE) != 0)
        return;
    __atomic_store_n(slot, target, __ATOMIC_RELEASE);
    if (sealed)
        mprotect((void *)page, page_size, PROT_READ);
}

static void redirect_calls(const struct library *library)
{
    for (int table = 0; table < 2; table++)
        for (size_t i = 0; library->relocations[table] && i < library->count[table]; i++) {
            const ElfW(Rela) *relocation = &library->relocations[table][i];
            unsigned type = (unsigned)ELF64_R_TYPE(relocation->r_info);
            if (type != CALL_SLOT && type != DATA_SLOT)
                continue;
            const char *name = library->names + library->symbols[ELF64_R_SYM(relocation->r_info)].st_name;
            uintptr_t *slot = (uintptr_t *)(library->base + relocation->r_offset);
            if (strcmp(name, "PyTraceMalloc_Track") == 0)
                redirect(library, slot, (uintptr_t)track);
            else if (strcmp(name, "PyTraceMalloc_Untrack") == 0)
                redirect(library, slot, (uintptr_t)untrack);
        }
}

static unsigned long long libraries_seen; /* the loader's count of what it ever loaded */

static int visit(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    struct library library;
    if (describe(&library, info))
        redirect_calls(&library);
    return 0;
}

static int count_loaded(struct dl_phdr_info *info, size_t size, void *loaded)
{
    (void)size;
    *(unsigned long long *)loaded = info->dlpi_adds;
    return 1;
}

void tracked_domains_redirect_new_libraries(void)
{
    unsigned long long loaded = 0;
    int saved = errno;
    dl_iterate_phdr(count_loaded, &loaded);
    if (__atomic_exchange_n(&libraries_seen, loaded, __ATOMIC_RELAXED) != loaded)
        dl_iterate_phdr(visit, NULL);
    errno = saved;
}

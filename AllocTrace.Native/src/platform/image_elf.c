/* Reads ELF images as the loader itself does (System V ABI, chapter 5; the GNU hash table as in glibc's elf/dl-lookup.c). */
#define _GNU_SOURCE
#include "platform/image.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { CALL_SLOT = R_X86_64_JUMP_SLOT, DATA_SLOT = R_X86_64_GLOB_DAT, POINTER_SLOT = R_X86_64_64 };
#elif defined(__aarch64__)
enum { CALL_SLOT = R_AARCH64_JUMP_SLOT, DATA_SLOT = R_AARCH64_GLOB_DAT, POINTER_SLOT = R_AARCH64_ABS64 };
#endif

typedef ElfW(Sym) symbol;
typedef ElfW(Rela) relocation;

enum { CALLS, DATA };

/* ---- reading ---- */

static bool read_dynamic(struct image *image)
{
    const char *own_name = NULL;
    size_t own_name_offset = 0;
    for (const ElfW(Dyn) *entry = image->dynamic; entry && entry->d_tag != DT_NULL; entry++) {
        /* glibc has added the base already, other loaders and some images (the vDSO) leave it to us. */
        uintptr_t value = entry->d_un.d_ptr, address = value < image->base ? image->base + value : value;
        switch (entry->d_tag) {
        case DT_SYMTAB:
            image->symbols = (const void *)address;
            break;
        case DT_STRTAB:
            image->names = (const char *)address;
            break;
        case DT_GNU_HASH:
            image->gnu_hash = (const uint32_t *)address;
            break;
        case DT_HASH:
            image->hash = (const uint32_t *)address;
            break;
        case DT_JMPREL:
            image->relocations[CALLS] = (const void *)address;
            break;
        case DT_PLTRELSZ:
            image->relocation_count[CALLS] = value / sizeof(relocation);
            break;
        case DT_RELA:
            image->relocations[DATA] = (const void *)address;
            break;
        case DT_RELASZ:
            image->relocation_count[DATA] = value / sizeof(relocation);
            break;
        case DT_SONAME:
            own_name_offset = value;
            own_name = "";
            break;
        }
    }
    if (own_name && image->names)
        image->own_name = image->names + own_name_offset;
    return image->symbols && image->names && (image->gnu_hash || image->hash);
}

static bool of_headers(struct image *image, const struct dl_phdr_info *info)
{
    *image = (struct image){
        .base = info->dlpi_addr, .path = info->dlpi_name ? info->dlpi_name : "", .begin = UINTPTR_MAX, .tls_module = info->dlpi_tls_modid};
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + header->p_vaddr, end = begin + header->p_memsz;
        if (header->p_type == PT_DYNAMIC)
            image->dynamic = (const void *)begin;
        if (header->p_type == PT_GNU_RELRO) {
            image->sealed_begin = begin;
            image->sealed_end = end;
        }
        if (header->p_type == PT_LOAD) {
            image->begin = begin < image->begin ? begin : image->begin;
            image->end = end > image->end ? end : image->end;
        }
    }
    return image->dynamic && read_dynamic(image);
}

struct visit {
    bool (*visitor)(const struct image *image, void *context);
    void *context;
};

static int visit_one(struct dl_phdr_info *info, size_t size, void *argument)
{
    (void)size;
    const struct visit *visit = argument;
    struct image image;
    return of_headers(&image, info) && visit->visitor(&image, visit->context);
}

bool image_visit(bool (*visitor)(const struct image *image, void *context), void *context)
{
    int saved = errno;
    struct visit visit = {visitor, context};
    bool found = dl_iterate_phdr(visit_one, &visit) != 0;
    errno = saved;
    return found;
}

bool image_visit_namespace_of(void *handle, bool (*visitor)(const struct image *image, void *context), void *context)
{
    bool found = false;
#ifdef LM_ID_BASE
    int saved = errno;
    Lmid_t namespace;
    const struct link_map *map;
    if (handle && handle != RTLD_NEXT && dlinfo(handle, RTLD_DI_LMID, &namespace) == 0 && namespace != LM_ID_BASE
        && dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0) {
        while (map->l_prev)
            map = map->l_prev;
        for (; map && !found; map = map->l_next) {
            struct image image = {.base = map->l_addr, .dynamic = map->l_ld, .path = map->l_name};
            found = read_dynamic(&image) && visitor(&image, context);
        }
    }
    errno = saved;
#else /* musl has no namespaces */
    (void)handle, (void)visitor, (void)context;
#endif
    return found;
}

static int read_changes(struct dl_phdr_info *info, size_t size, void *changes)
{
    (void)size;
    *(struct image_changes *)changes = (struct image_changes){info->dlpi_adds, info->dlpi_subs};
    return 1;
}

struct image_changes image_changes(void)
{
    int saved = errno;
    struct image_changes changes = {0, 0};
    dl_iterate_phdr(read_changes, &changes);
    errno = saved;
    return changes;
}

#ifndef MADV_POPULATE_WRITE /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

/* The loader seals whole pages: from the one in which the range begins to the last that it covers (glibc's _dl_protect_relro). */
static uintptr_t page_of(uintptr_t address)
{
    return address & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
}

/* Faults the first page in as a write would, which the system refuses for one that is read-only; changes nothing in it. */
static bool count_unsealed(const struct image *image, void *count)
{
    uintptr_t begin = page_of(image->sealed_begin);
    if (begin < page_of(image->sealed_end) && madvise((void *)begin, (size_t)sysconf(_SC_PAGESIZE), MADV_POPULATE_WRITE) == 0)
        ++*(unsigned *)count;
    return false;
}

unsigned image_count_unsealed(void)
{
    unsigned count = 0;
    image_visit(count_unsealed, &count);
    return count;
}

/* ---- symbols ---- */

static uint32_t find_by_gnu_hash(const struct image *image, const char *name)
{
    uint32_t hash = 5381;
    for (const char *c = name; *c; c++)
        hash = hash * 33 + (uint8_t)*c;
    const uint32_t *table = image->gnu_hash;
    uint32_t buckets = table[0], first = table[1], words = table[2];
    const uint32_t *bucket = table + 4 + words * (sizeof(uintptr_t) / sizeof *table), *chain = bucket + buckets;
    const symbol *symbols = image->symbols;
    uint32_t index = buckets ? bucket[hash % buckets] : 0;
    if (index < first)
        return STN_UNDEF;
    for (;; index++) {
        uint32_t other = chain[index - first];
        if ((other | 1) == (hash | 1) && strcmp(image->names + symbols[index].st_name, name) == 0)
            return index;
        if (other & 1)
            return STN_UNDEF;
    }
}

static uint32_t find_by_hash(const struct image *image, const char *name)
{
    uint32_t hash = 0;
    for (const char *c = name; *c; c++) {
        hash = (hash << 4) + (uint8_t)*c;
        hash = (hash ^ (hash & 0xf0000000) >> 24) & 0x0fffffff;
    }
    const uint32_t *bucket = image->hash + 2, *chain = bucket + image->hash[0];
    const symbol *symbols = image->symbols;
    uint32_t index = bucket[hash % image->hash[0]];
    while (index != STN_UNDEF && strcmp(image->names + symbols[index].st_name, name) != 0)
        index = chain[index];
    return index;
}

/* Returns the index of a definition of any type, or STN_UNDEF. */
static uint32_t find_any(const struct image *image, const char *name, unsigned *type)
{
    uint32_t index = image->gnu_hash ? find_by_gnu_hash(image, name) : find_by_hash(image, name);
    const symbol *found = (const symbol *)image->symbols + index;
    *type = ELF64_ST_TYPE(found->st_info);
    return index != STN_UNDEF && found->st_shndx != SHN_UNDEF ? index : STN_UNDEF;
}

static uint32_t find(const struct image *image, const char *name)
{
    unsigned type;
    uint32_t index = find_any(image, name, &type);
    return type != STT_GNU_IFUNC && type != STT_TLS ? index : STN_UNDEF;
}

bool image_thread_local(const struct image *image, const char *name, struct image_thread_local *found)
{
    unsigned type;
    found->symbol = find_any(image, name, &type);
    if (!found->symbol || type != STT_TLS || !image->tls_module)
        return false;
    found->offset = ((const symbol *)image->symbols)[found->symbol].st_value;
    return true;
}

void *image_symbol(const struct image *image, const char *name)
{
    uint32_t index = find(image, name);
    return index ? (void *)(image->base + ((const symbol *)image->symbols)[index].st_value) : NULL;
}

void *image_data(const struct image *image, const char *name)
{
    uint32_t index = find(image, name);
    if (!index)
        return NULL;
    const relocation *table = image->relocations[DATA];
    for (size_t i = 0; table && i < image->relocation_count[DATA]; i++) {
        uint32_t type = (uint32_t)ELF64_R_TYPE(table[i].r_info);
        if (ELF64_R_SYM(table[i].r_info) == index && table[i].r_addend == 0 && (type == DATA_SLOT || type == POINTER_SLOT))
            return *(void **)(image->base + table[i].r_offset);
    }
    return image_symbol(image, name);
}

/* ---- redirecting ---- */

static void replace(const struct image *image, uintptr_t *slot, uintptr_t *value)
{
    uintptr_t target = *value;
    if (*slot == target)
        return;
    uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE), page = page_of((uintptr_t)slot);
    bool sealed = page >= page_of(image->sealed_begin) && page < page_of(image->sealed_end);
    if (mprotect((void *)page, page_size, PROT_READ | PROT_WRITE) != 0)
        return;
    __atomic_store_n(slot, target, __ATOMIC_RELEASE);
    if (sealed)
        mprotect((void *)page, page_size, PROT_READ);
}

/* Calls the visitor with each pointer through which the image gets at a symbol. */
static void visit_slots(const struct image *image, const char *name,
                        void (*visitor)(const struct image *, uintptr_t *slot, uintptr_t *value), uintptr_t *value)
{
    const symbol *symbols = image->symbols;
    for (int table = CALLS; table <= DATA; table++) {
        const relocation *relocations = image->relocations[table];
        for (size_t i = 0; relocations && i < image->relocation_count[table]; i++) {
            uint32_t type = (uint32_t)ELF64_R_TYPE(relocations[i].r_info);
            if ((type == CALL_SLOT || type == DATA_SLOT)
                && strcmp(image->names + symbols[ELF64_R_SYM(relocations[i].r_info)].st_name, name) == 0)
                visitor(image, (uintptr_t *)(image->base + relocations[i].r_offset), value);
        }
    }
}

static void read_slot(const struct image *image, uintptr_t *slot, uintptr_t *value)
{
    (void)image;
    *value = *slot;
}

uintptr_t image_import(const struct image *image, const char *name)
{
    uintptr_t target = 0;
    visit_slots(image, name, read_slot, &target);
    return target;
}

void image_redirect(const struct image *image, const char *name, void *target)
{
    int saved = errno;
    uintptr_t value = (uintptr_t)target;
    visit_slots(image, name, replace, &value);
    errno = saved;
}

void image_visit_imports(const struct image *image, void (*visitor)(const struct image *image, const struct import *import, void *context),
                         void *context)
{
    const symbol *symbols = image->symbols;
    for (int table = CALLS; table <= DATA; table++) {
        const relocation *relocations = image->relocations[table];
        for (size_t i = 0; relocations && i < image->relocation_count[table]; i++) {
            uint32_t type = (uint32_t)ELF64_R_TYPE(relocations[i].r_info);
            bool is_data = type == POINTER_SLOT && relocations[i].r_addend == 0;
            if (type != CALL_SLOT && type != DATA_SLOT && !is_data)
                continue;
            struct import import = {image->names + symbols[ELF64_R_SYM(relocations[i].r_info)].st_name,
                                    (uintptr_t *)(image->base + relocations[i].r_offset), is_data};
            visitor(image, &import, context);
        }
    }
}

void image_set_import(const struct image *image, const struct import *import, void *target)
{
    int saved = errno;
    uintptr_t value = (uintptr_t)target;
    replace(image, import->slot, &value);
    errno = saved;
}

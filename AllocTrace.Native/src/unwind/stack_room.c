#include "unwind/stack_room.h"

#include <string.h>

#include "platform/mappings.h"

/* The main thread's stack grows as it is used, and the kernel maps nothing else into the mebibyte below it (stack_guard_gap). */
enum { GROWS = (1 << 20) - 4096, PAGE = 4096 };

uintptr_t stack_rooms_find(struct stack_rooms *rooms, uintptr_t sp)
{
    static const char main_stack[] = "[stack]";
    struct os_mapping mapping;
    char name[sizeof main_stack];
    if (!os_mapping_of(sp, &mapping, name, sizeof name))
        return (sp & ~(uintptr_t)(PAGE - 1)) + PAGE;
    bool grows = mapping.path_length == sizeof main_stack - 1 && memcmp(name, main_stack, sizeof main_stack - 1) == 0;
    uint32_t place = rooms->next++ % STACK_ROOMS;
    rooms->room[place].begin = mapping.begin - (grows ? GROWS : 0);
    rooms->room[place].end = mapping.end;
    return mapping.end;
}

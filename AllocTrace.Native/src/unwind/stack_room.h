/* stack_room.h: how far a stack may be read: to the end of the mapping that the stack pointer is in.
 *
 * Not pthread_getattr_np, which allocates while it holds a lock of the thread, and which CPython 3.14 calls at the start of each thread: a
 * hook that called it would wait for itself. And not the thread's own stack only: coroutines have others.
 */
#ifndef ALLOCTRACE_UNWIND_STACK_ROOM_H
#define ALLOCTRACE_UNWIND_STACK_ROOM_H

#include <stdint.h>

#include "platform/compiler.h"

enum { STACK_ROOMS = 4 };

/* The mappings that a thread's stacks were last seen in. Zeroed: none. */
struct stack_rooms {
    struct {
        uintptr_t begin, end;
    } room[STACK_ROOMS];
    uint32_t next;
};

/* Asks the system. Returns the end of the mapping, or a page beyond sp if the system does not show it. */
uintptr_t stack_rooms_find(struct stack_rooms *rooms, uintptr_t sp);

/* The end of the mapping that sp is in. */
ALWAYS_INLINE uintptr_t stack_rooms_end(struct stack_rooms *rooms, uintptr_t sp)
{
    if (__builtin_expect(sp - rooms->room[0].begin < rooms->room[0].end - rooms->room[0].begin, 1))
        return rooms->room[0].end;
    for (unsigned i = 1; i < STACK_ROOMS; i++)
        if (sp - rooms->room[i].begin < rooms->room[i].end - rooms->room[i].begin)
            return rooms->room[i].end;
    return stack_rooms_find(rooms, sp);
}

#endif

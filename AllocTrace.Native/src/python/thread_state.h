/* thread_state.h: the calling thread's own thread state, with the GIL or without.
 *
 * To 3.11 the "attached" state is process-wide: whoever holds the GIL. From 3.12 on it is the thread's own, or NULL while detached. The
 * state that PyGILState keeps for the thread outlives detaching; in a sub-interpreter it is, to 3.11, the main interpreter's. Walking it
 * while detached is sound, since only its own thread moves its frames. During finalization other threads' states are freed while those
 * threads still hold the pointer: then only the finalizing thread is walked. (docs/frame-walk.md has the measurements.)
 *
 * To 3.11 a sub-interpreter's state may also have been made by another thread than the one that uses it (_xxsubinterpreters.create() here,
 * run_string() there), so its thread_id does not tell whose it is. But who calls the domains mem and obj holds the GIL, so then it is the
 * caller's.
 */
#ifndef ALLOCTRACE_THREAD_STATE_H
#define ALLOCTRACE_THREAD_STATE_H

#include "platform/threads.h"
#include "python/frame.h"
#include "python/runtime.h"

/* Returns 0 if there is none. Sets *attached if the thread may call functions of CPython that need a thread state. */
ALWAYS_INLINE uintptr_t thread_state_of_call(const struct layout *layout, const struct python_runtime *python, bool holds_gil,
                                             bool *attached)
{
    uintptr_t state = python->attached_thread_state();
    *attached = state != 0;
    if (layout->minor >= 12) {
        if (!state)
            state = python->own_thread_state();
    } else {
        uintptr_t own = python->own_thread_state();
        *attached = state != 0 && state == own;
        if (state != own) {
            bool mine = state
                        && (read_pointer(state, layout->thread_state.thread_id) == os_pthread()
                            || (holds_gil && python_is_sub_interpreter(python, read_pointer(state, layout->thread_state.interpreter))));
            *attached = mine;
            if (!mine)
                state = own;
        }
    }
    uintptr_t finalizing = *(const volatile uintptr_t *)python->finalizing;
    if (finalizing && finalizing != state)
        state = 0;
    return state;
}

#endif

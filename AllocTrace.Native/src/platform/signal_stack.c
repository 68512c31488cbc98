#define _GNU_SOURCE
#include <signal.h>

#include "platform/os.h"
#include "platform/signals.h"

enum { STACK_BYTES = 128 << 10 };

static _Thread_local void *own_stack __attribute__((tls_model("initial-exec")));

void *signal_stack_begin(void)
{
    stack_t present;
    if (own_stack || sigaltstack(NULL, &present) != 0 || !(present.ss_flags & SS_DISABLE))
        return own_stack;
    void *memory = os_map(STACK_BYTES);
    stack_t ours = {.ss_sp = memory, .ss_size = STACK_BYTES};
    if (memory && sigaltstack(&ours, NULL) == 0)
        own_stack = memory;
    else if (memory)
        os_unmap(memory, STACK_BYTES);
    return own_stack;
}

void signal_stack_release(void *stack)
{
    if (stack)
        os_unmap(stack, STACK_BYTES);
}

void signal_stack_end(void)
{
    stack_t present;
    if (!own_stack || sigaltstack(NULL, &present) != 0)
        return;
    bool is_in_use = present.ss_sp == own_stack;
    if (is_in_use) {
        stack_t none = {.ss_flags = SS_DISABLE};
        if (sigaltstack(&none, NULL) != 0)
            return; /* the thread runs on it */
    }
    os_unmap(own_stack, STACK_BYTES);
    own_stack = NULL;
}

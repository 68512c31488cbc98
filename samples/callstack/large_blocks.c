/* An allocator hook: whoever allocates more than a limit is named on the error output, with the Python line.
 *
 *     python3 -c 'import ctypes; ctypes.PyDLL("./large_blocks.so").report_blocks_above(1_000_000); bytes(2_000_000)'
 */
#include <Python.h>

#include <alloctrace/callstack.h>

static const struct alloctrace_python *python;
static PyMemAllocatorEx original;
static size_t limit;

static void *hooked_malloc(void *context, size_t size)
{
    if (size > limit) {
        struct alloctrace_frame caller = {.line = -1};
        struct alloctrace_stack stack;
        alloctrace_stack_collect(python, alloctrace_thread_state_borrow(python, 1), &caller, 1, &stack);
        fprintf(stderr, "%zu bytes at %s:%d in %s, %u frames deep\n", size, caller.filename, caller.line, caller.name, stack.depth);
    }
    return original.malloc(context, size);
}

/* Call it with the GIL held. Negative: this Python cannot be walked. */
__attribute__((visibility("default"))) int report_blocks_above(size_t bytes)
{
    python = alloctrace_python_find(0, NULL);
    if (!python)
        return -1;
    limit = bytes;
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &original);
    PyMemAllocatorEx hooked = original;
    hooked.malloc = hooked_malloc;
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &hooked);
    return 0;
}

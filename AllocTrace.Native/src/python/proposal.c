#include "python/runtime.h"

struct python_proposal python_find_proposal(const struct image *image)
{
    if (!image->symbols) /* made by hand, in tests */
        return (struct python_proposal){0};
    struct python_proposal found = {
        .innermost = (uintptr_t(*)(uintptr_t))image_symbol(image, "PyUnstable_ThreadState_GetInterpreterFrame"),
        .next_complete = (uintptr_t(*)(uintptr_t))image_symbol(image, "PyUnstable_InterpreterFrame_GetNextComplete"),
        .code_safe = (uintptr_t(*)(uintptr_t))image_symbol(image, "PyUnstable_InterpreterFrame_GetCodeSafe"),
        .line_safe = (int (*)(uintptr_t))image_symbol(image, "PyUnstable_InterpreterFrame_GetLineSafe"),
        .back = (uintptr_t(*)(uintptr_t))image_symbol(image, "PyUnstable_InterpreterFrame_GetBack"),
        .is_incomplete = (int (*)(uintptr_t))image_symbol(image, "PyUnstable_InterpreterFrame_IsIncomplete"),
    };
    if (!found.code_safe)
        found.code_safe = (uintptr_t(*)(uintptr_t))image_symbol(image, "PyUnstable_InterpreterFrame_BorrowCode");
    bool by_four = found.next_complete && found.line_safe, by_more = found.back && found.is_incomplete;
    if (!found.innermost || !found.code_safe || !(by_four || by_more))
        return (struct python_proposal){0};
    return found;
}

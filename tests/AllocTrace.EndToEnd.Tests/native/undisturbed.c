/* Checks that errno and a pending exception survive calls of the allocators. Loaded with ctypes.PyDLL: the GIL is held. */
#include <errno.h>
#include <stddef.h>

void *PyMem_RawMalloc(size_t size);
void PyMem_RawFree(void *block);
void *PyMem_Realloc(void *block, size_t size);
void PyMem_Free(void *block);
void *PyObject_Calloc(size_t count, size_t size);
void PyObject_Free(void *block);
extern void *PyExc_KeyError;
void PyErr_SetString(void *type, const char *message);
void *PyErr_Occurred(void);
void PyErr_Clear(void);

int count_disturbances(int rounds);

/* The blocks are small: glibc itself changes errno only when it asks the system for more. */
int count_disturbances(int rounds)
{
    int disturbed = 0;
    for (int i = 0; i < rounds; i++) {
        PyErr_SetString(PyExc_KeyError, "pending");
        errno = 4242;
        void *raw = PyMem_RawMalloc(16);
        disturbed += errno != 4242;
        void *mem = PyMem_Realloc(NULL, 16);
        disturbed += errno != 4242;
        void *obj = PyObject_Calloc(1, 16);
        disturbed += errno != 4242;
        PyMem_RawFree(raw);
        PyMem_Free(mem);
        PyObject_Free(obj);
        disturbed += errno != 4242;
        disturbed += PyErr_Occurred() != PyExc_KeyError;
        PyErr_Clear();
    }
    errno = 0;
    return disturbed;
}

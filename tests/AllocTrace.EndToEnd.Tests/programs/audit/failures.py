"""Allocations and reallocations that fail: they are no blocks."""
import ctypes
for _ in range(50):
    try:
        b"x" * (1 << 50)
    except MemoryError:
        pass
    try:
        bytearray(1 << 50)
    except MemoryError:
        pass
buffer = bytearray(1000)
for _ in range(50):
    try:
        buffer.extend(range(0))
        buffer *= 1 << 40
    except MemoryError:
        pass
assert len(buffer) == 1000
api = ctypes.pythonapi
for domain in ("PyMem_Raw", "PyMem_", "PyObject_"):
    malloc, calloc, realloc, free = (getattr(api, domain + name) for name in ("Malloc", "Calloc", "Realloc", "Free"))
    for function in (malloc, calloc, realloc):
        function.restype = ctypes.c_void_p
    free.restype = None
    for size in (0, 1, 100, 512, 513, 100000):
        block = malloc(ctypes.c_size_t(size))
        assert not realloc(ctypes.c_void_p(block), ctypes.c_size_t(1 << 60))
        block = realloc(ctypes.c_void_p(block), ctypes.c_size_t(2 * size + 1))
        assert not calloc(ctypes.c_size_t(1 << 30), ctypes.c_size_t(1 << 30))
        assert not malloc(ctypes.c_size_t(1 << 63))
        other = calloc(ctypes.c_size_t(3), ctypes.c_size_t(size))
        free(ctypes.c_void_p(other))
        free(ctypes.c_void_p(realloc(None, ctypes.c_size_t(size))))
        free(ctypes.c_void_p(block))
        free(None)

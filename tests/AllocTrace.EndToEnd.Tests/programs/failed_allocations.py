"""Asks for what there is not. The block that could not grow is what it was."""
import ctypes
api = ctypes.pythonapi
api.PyMem_RawMalloc.restype = api.PyMem_RawRealloc.restype = ctypes.c_void_p


def ask():
    try:
        return b"x" * (1 << 50)
    except MemoryError:
        return bytes(1_000_000)


def grow():
    block = ctypes.c_void_p(api.PyMem_RawMalloc(ctypes.c_size_t(3_000_000)))
    assert not api.PyMem_RawRealloc(block, ctypes.c_size_t(1 << 60))


for _ in range(20):
    ask()
grow()

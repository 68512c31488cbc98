"""Calls the functions of native/c_heap.c, each in a Python function of its own: python3 native_traps.py LIBRARY FOLDER [CASE]..."""
import ctypes
import os
import shutil
import sys

library = ctypes.CDLL(sys.argv[1])
library.duplicate.restype = library.get.restype = ctypes.c_void_p
library.give_back.argtypes = [ctypes.c_void_p]
ctypes.pythonapi.PyMem_RawFree.argtypes = [ctypes.c_void_p]


def families():
    return library.families()


def reallocations():
    return library.reallocations()


def error_number():
    return library.error_number()


def mappings():
    return library.mappings()


def many_threads():
    return library.many_threads(int(os.environ.get("TRAPS_THREADS", "2000")))


def late_frees():
    return library.late_frees(200)


def other_family():
    copy = os.path.join(sys.argv[2], "copy.so")
    shutil.copy(sys.argv[1], copy)
    return library.other_family(copy.encode())


def freed_by_python():
    for _ in range(100):
        ctypes.pythonapi.PyMem_RawFree(library.duplicate(b"x" * 5000))
    return 0


def by_library():
    """Looked up in the C library itself, past everybody's preloaded libraries."""
    libc = ctypes.CDLL("libc.so.6")
    libc.malloc.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    blocks = [libc.malloc(60_000) for _ in range(10)]
    for block in blocks[:4]:
        libc.free(block)
    return 0


def forks():
    return library.forks()


for case in sys.argv[3:] or [families, reallocations, error_number, mappings, many_threads, late_frees, other_family, freed_by_python, by_library, forks]:
    if isinstance(case, str):
        case = globals()[case]
    line = case()
    if line:
        sys.exit("{}: line {} of c_heap.c".format(case.__name__, line))
print("done")

"""Reports blocks as an extension does: in domain 0 and in twenty others, at the same addresses; then takes half of them back."""
import ctypes
import os

library = ctypes.PyDLL(os.environ["LD_PRELOAD"].split(":")[0].split()[0])
library.PyTraceMalloc_Track.argtypes = ctypes.c_uint, ctypes.c_size_t, ctypes.c_size_t
library.PyTraceMalloc_Untrack.argtypes = ctypes.c_uint, ctypes.c_size_t
FIRST = 0x600000000000
domains = [0] + list(range(1000, 1020))


def track():
    for i in range(10):
        for domain in domains:
            library.PyTraceMalloc_Track(domain, FIRST + 16 * i, 100_000)


track()
for i in range(5):
    for domain in domains:
        library.PyTraceMalloc_Untrack(domain, FIRST + 16 * i)

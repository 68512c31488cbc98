"""A host sets an allocator in place of the hook for a while. usage: swapped_allocators.py LIBRARY"""
import ctypes
import os
import sys

library = ctypes.PyDLL(sys.argv[1])
library.swap_and_mix.argtypes = [ctypes.c_int, ctypes.c_size_t]
os._exit(library.swap_and_mix(100, 200_003))

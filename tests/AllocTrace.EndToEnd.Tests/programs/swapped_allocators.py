"""A host sets an allocator in place of the hook for a while, or above it while others allocate. usage: swapped_allocators.py LIBRARY mix|used"""
import ctypes
import os
import sys

library = ctypes.PyDLL(sys.argv[1])
function = library.swap_and_mix if sys.argv[2] == "mix" else library.swap_while_used
function.argtypes = [ctypes.c_int, ctypes.c_size_t]
os._exit(function(100 if sys.argv[2] == "mix" else 5000, 200_003))

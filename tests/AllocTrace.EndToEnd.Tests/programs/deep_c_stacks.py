"""Allocations below many C frames (CStackTests). deep_c_stacks.py LIBRARY FRAMES TIMES: c_callers.so; how deep; how often there.

Writes the seconds of CPU that they took.
"""

import ctypes
import time
import sys

callers = ctypes.CDLL(sys.argv[1])
callers.c_deep.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
callers.c_deep.restype = ctypes.c_size_t
start = time.process_time()
assert callers.c_deep(int(sys.argv[2]), int(sys.argv[3])) == int(sys.argv[3])
print(time.process_time() - start)

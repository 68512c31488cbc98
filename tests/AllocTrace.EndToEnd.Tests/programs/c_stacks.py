"""Allocations of known sizes, by C functions around Python functions (CStackTests). c_stacks.py LIBRARY: c_callers.so."""

import ctypes
import sys

callers = ctypes.CDLL(sys.argv[1])
callers.c_root.restype = callers.c_leaf.restype = ctypes.c_void_p
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long)
callers.c_outer.argtypes = [CALLBACK, ctypes.c_long]
kept = [None, None]


def inside(n):
    callers.c_root(700_001 + n)
    kept[n] = bytearray(600_001 + n)
    return 0


def around():
    return callers.c_outer(callback, 0)


def again(n):
    return callers.c_outer(callback, n)


callback = CALLBACK(inside)
twice = CALLBACK(again)
around()
callers.c_outer(twice, 1)
callers.c_root(500_001)

"""A host's own allocators above the hook, set and taken away in order and out of order. usage: host_layers.py LIBRARY"""
import ctypes
import sys

library = ctypes.PyDLL(sys.argv[1])
library.passed_on.restype = ctypes.c_ulong
kept = []


def work():
    for i in range(3000):
        kept.append(["%d" % i] * (i % 40))
        if i % 3 == 0:
            kept.pop()
    del kept[::2]


work()
library.wrap(0)
work()
library.wrap(1)
work()
assert library.passed_on(1) > 10_000
library.unwrap(1)
work()
library.wrap(1)
library.unwrap(0)  # and with it the other
work()
library.unwrap(1)  # which brings this one back
work()
library.unwrap(0)
work()
assert library.passed_on(0) > library.passed_on(1) > 10_000

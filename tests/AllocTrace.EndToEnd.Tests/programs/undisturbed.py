"""usage: undisturbed.py LIBRARY"""
import ctypes
import sys
print(ctypes.PyDLL(sys.argv[1]).count_disturbances(20_000))

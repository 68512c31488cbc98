"""The process ends with everything alive: the host calls exit() and never finalizes Python."""
import ctypes
kept = [[i] * i for i in range(1000)]
ctypes.CDLL(None).exit(0)

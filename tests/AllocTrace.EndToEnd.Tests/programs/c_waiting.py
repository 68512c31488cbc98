"""Threads that stay where they are in C, with Python around it (NativeStackTests). c_waiting.py WAITERS CALLERS FOLDER: c_waiters.so, c_callers.so."""

import ctypes
import sys
import threading

waiters, callers = ctypes.CDLL(sys.argv[1]), ctypes.CDLL(sys.argv[2])
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long)
for function in (callers.c_outer, callers.c_aligned):
    function.argtypes = [CALLBACK, ctypes.c_long]
WAITS, SPINS = 0, 1


def file(name):
    return f"{sys.argv[3]}/{name}".encode()


def deepest(how):
    waiters.wait_here(file("spins" if how else "waits"), how)
    return 0


def middle(how):
    return callers.c_aligned(innermost, how)


def first(how):
    callers.c_outer(outermost, how)


innermost, outermost = CALLBACK(deepest), CALLBACK(middle)


def generator():
    yield sorted([2, 1], key=lambda _: first(WAITS))


threading.Thread(target=first, args=(SPINS,), daemon=True, name="spins").start()
threading.Thread(target=lambda: list(generator()), daemon=True, name="waits").start()
waiters.start_thread_here(file("alone"), WAITS)
waiters.wait_here(file("main"), WAITS)

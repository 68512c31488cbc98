"""Crashes for good, in a way that the caller chooses.

usage: crashing.py HOW WHERE FAULTHANDLER PROBE [LIBRARY DATABASE]

HOW           null (ctypes), overflow (of the C stack), abort (from C), kill (waits until somebody kills it), jump (to address 0), fpe, ill, bus, recursion (deep Python stack, then null),
              collecting (null, from a finalizer in a garbage collection)
WHERE         main or thread
FAULTHANDLER  none; first: its handler was installed after the tracer's, and so comes first; last: the tracer is LIBRARY, and is started after it
PROBE         the library of native/crashing.c
"""
import ctypes
import faulthandler
import gc
import linecache
import os
import sys
import threading
import time

how, where, handler, probe = sys.argv[1:5]
library = ctypes.PyDLL(probe)
if handler != "none":
    faulthandler.enable()
if handler == "last":
    if ctypes.CDLL(sys.argv[5]).alloctrace_start(sys.argv[6].encode(), b"crash=on"):
        sys.exit("not started")
ready, never = threading.Semaphore(0), threading.Event()


class Waiting:
    def wait(self):
        ready.release()
        never.wait()


def generator():
    yield Waiting().wait()


threads = [threading.Thread(target=Waiting().wait, daemon=True), threading.Thread(target=lambda: list(generator()), daemon=True, name="generates")]
for thread in threads:
    thread.start()
for _ in threads:
    ready.acquire()


def waits(ident):
    """Whether a thread is on the line in threading.py on which it stays."""
    frame = sys._current_frames()[ident]
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return os.path.basename(frame.f_code.co_filename) == "threading.py" and (".acquire(" in line or ".join(" in line)


def settled(idents):
    """Until no other thread is on its way. (Condition.wait acquires twice: before it counts as a waiter, and then to wait.)"""
    while len(never._cond._waiters) != len(threads) or not all(waits(ident) for ident in idents):
        time.sleep(0.001)


class Finalized:
    def __del__(self):
        library.crash(b"null")


def deep(n):
    if n:
        deep(n - 1)
    else:
        library.crash(b"null")


def crash():
    settled([thread.ident for thread in threads] + ([threading.main_thread().ident] if where == "thread" else []))
    if how == "kill":
        print("ready", flush=True)
        sys.stdin.read()
    elif how == "recursion":
        sys.setrecursionlimit(10000)
        deep(1500)
    elif how == "collecting":
        gc.collect()
        gc.disable()
        garbage = Finalized()
        garbage.itself = garbage
        del garbage
        gc.collect()
    else:
        library.crash(how.encode())


if where == "thread":
    thread = threading.Thread(target=crash)
    thread.start()
    thread.join()
else:
    crash()

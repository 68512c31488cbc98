"""The C functions of alloctrace.h."""

import ctypes

from ._command import LIBRARY

DONE, OFF, FAILED, NOT_RUNNING = 0, 1, -1, -2


class Status(ctypes.Structure):
    """struct alloctrace_status"""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("is_recording", ctypes.c_uint32),
        ("has_session", ctypes.c_uint32),
        ("runtimes", ctypes.c_uint32),
        ("without_stacks", ctypes.c_uint32),
        ("collector_pid", ctypes.c_uint32),
        ("session_bytes", ctypes.c_uint64),
        ("lost_events", ctypes.c_uint64),
        ("session_path", ctypes.c_char * 4096),
    ]


class _Functions:
    """The functions of one loaded library.

    alloctrace_start and alloctrace_snapshot_objects are called with the GIL, as alloctrace.h demands. The others may wait, and are called
    without.
    """

    def __init__(self, holder, waiter):
        self.start = holder.alloctrace_start
        self.start.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
        self.stop = waiter.alloctrace_stop
        self.snapshot = waiter.alloctrace_snapshot
        self.snapshot.argtypes = [ctypes.c_char_p]
        self.snapshot_objects = holder.alloctrace_snapshot_objects
        self.snapshot_objects.argtypes = [ctypes.c_char_p]
        self.flush = waiter.alloctrace_flush
        self.flush.argtypes = [ctypes.c_uint32]
        self.get_status = waiter.alloctrace_get_status
        self.get_status.argtypes = [ctypes.POINTER(Status)]


_functions = None


def functions() -> _Functions:
    """The library that was preloaded, since that is the one that records; otherwise the package's own."""
    global _functions
    if _functions is None:
        preloaded = hasattr(ctypes.CDLL(None), "alloctrace_start")
        path = None if preloaded else LIBRARY
        _functions = _Functions(ctypes.PyDLL(path), ctypes.CDLL(path))
    return _functions

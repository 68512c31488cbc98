"""Refuses itself the clone that makes a copy, then works. The first argument says how: an errno by seccomp, or nproc."""
import ctypes
import os
import platform
import resource
import select
import struct
import sys
import time

how = sys.argv[1]
if how == "nproc":
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    os.setuid(65534)
else:
    CLONE, CLONE_FILES = (56, 0x400) if platform.machine() == "x86_64" else (220, 0x400)
    LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
    code = [(LOAD, 0, 0, 0), (EQUAL, 0, 3, CLONE), (LOAD, 0, 0, 16), (EQUAL, 0, 1, CLONE_FILES), (RETURN, 0, 0, 0x50000 | int(how)), (RETURN, 0, 0, 0x7fff0000)]
    raw = b"".join(struct.pack("HBBI", *each) for each in code)
    buffer = ctypes.create_string_buffer(raw)
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0) == 0, os.strerror(ctypes.get_errno())
print("ready", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    [object() for _ in range(10)]
    if select.select([sys.stdin], [], [], 0.001)[0]:
        break
print("done", flush=True)

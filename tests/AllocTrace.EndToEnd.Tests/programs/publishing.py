"""A server that publishes the span of each request through a library: publishing.py LIBRARY REQUESTS."""
import ctypes
import os
import sys
import threading


def handle(n):
    return b"x" * n


def idle(n):
    return b"x" * n


def serve(first):
    for i in range(int(sys.argv[2])):
        trace, span = os.urandom(16), os.urandom(8)
        print(trace.hex(), span.hex(), "handle", first + i, flush=True)
        library.publish(trace, span)
        handle(first + i)
        library.detach()
        idle(300000)


# A thread from before the library has no place for its variables yet.
go = threading.Event()
early = threading.Thread(target=lambda: (go.wait(), serve(220000)))
early.start()
library = ctypes.CDLL(sys.argv[1])
late = threading.Thread(target=serve, args=(210000,))
late.start()
late.join()
go.set()
early.join()
serve(200000)
library.publish_address(ctypes.c_size_t(16))
idle(300000)
library.publish_address(ctypes.c_size_t(0))

"""usage: late_start.py LIBRARY FIRST.db SECOND.db: records itself, twice, while its threads allocate."""
import ctypes
import sys
import threading

library = ctypes.CDLL(sys.argv[1])
stop = False
early = [bytes(3000) for _ in range(100)]


def keep(n, size):
    result = [None] * n
    for i in range(n):
        # the only allocation of the line below is the block itself
        result[i] = b"x" * size
    return result


def noise():
    while not stop:
        [str(i) for i in range(50)]


threads = [threading.Thread(target=noise) for _ in range(3)]
[thread.start() for thread in threads]
assert library.alloctrace_snapshot(b"too early") == -2
assert library.alloctrace_start(sys.argv[2].encode(), None) == 0
a = keep(200, 5000)
assert library.alloctrace_snapshot(b"after 200") == 0
b = keep(250, 5000)
del early
assert library.alloctrace_start(b"not looked at", b"nor=this") == 0
c = keep(50, 5000)
assert library.alloctrace_flush(60000) == 0
assert library.alloctrace_stop() == 0
assert library.alloctrace_stop() == -2
d = keep(50, 5000)
assert library.alloctrace_start(sys.argv[3].encode(), b"domains=obj+mem") == 0
e = keep(70, 5000)
assert library.alloctrace_stop() == 0
stop = True
[thread.join() for thread in threads]

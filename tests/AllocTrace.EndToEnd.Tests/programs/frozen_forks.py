"""Eight children, each forked when ten more blocks are there. usage: frozen_forks.py, where the clock stands still"""
import os
import time


def make():
    return bytes(10_000)


begun = time.monotonic()
kept = []
for _ in range(8):
    kept += [make() for _ in range(10)]
    pid = os.fork()
    if pid == 0:
        kept.append(bytes(500))
        os._exit(0)
    os.waitpid(pid, 0)
print(time.monotonic() == begun)

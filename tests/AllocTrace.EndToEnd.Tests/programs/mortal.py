"""Allocates until it is killed. Each of two threads keeps the number of blocks that it has made in a file in memory, which survives it.
usage: mortal.py COUNTERS"""
import mmap
import sys
import threading

with open(sys.argv[1], "r+b") as file:
    counters = memoryview(mmap.mmap(file.fileno(), 16)).cast("Q")  # one store a number: it is never seen in parts


def first():
    made = [None] * 64
    for i in range(1, 1 << 40):
        made[i % 64] = bytes(5000)
        counters[0] = i


def second():
    made = [None] * 64
    for i in range(1, 1 << 40):
        made[i % 64] = bytes(6000)
        counters[1] = i


threading.Thread(target=second, daemon=True).start()
first()

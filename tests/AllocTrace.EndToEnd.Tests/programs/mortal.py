"""Allocates until it is killed. Each of two threads keeps the number of blocks that it has made in a file in memory, which survives it.
usage: mortal.py COUNTERS"""
import mmap
import struct
import sys
import threading

with open(sys.argv[1], "r+b") as file:
    counters = mmap.mmap(file.fileno(), 16)


def first():
    made = [None] * 64
    for i in range(1, 1 << 40):
        made[i % 64] = bytearray(5000)
        struct.pack_into("Q", counters, 0, i)


def second():
    made = [None] * 64
    for i in range(1, 1 << 40):
        made[i % 64] = bytearray(6000)
        struct.pack_into("Q", counters, 8, i)


threading.Thread(target=second, daemon=True).start()
first()

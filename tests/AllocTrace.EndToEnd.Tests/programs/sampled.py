"""Allocates in ways that a sampler could get wrong: kept, dropped at once, large, grown, in a thread, freed by another thread, forked."""
import os
import sys
import threading

SMALL, LARGE = 1000, 300_000


def kept():
    blocks = [None] * 8000
    for i in range(8000):
        blocks[i] = bytes(SMALL)
    return blocks


def dropped():
    for _ in range(20000):
        bytes(SMALL)


def large():
    blocks = [None] * 30
    for i in range(30):
        blocks[i] = bytes(LARGE)
    return blocks


def grown():
    block = bytearray()
    for _ in range(2000):
        block.extend(bytes(SMALL))
    return block


def in_thread(result):
    for i in range(4000):
        result[i] = bytes(SMALL)


def freed_elsewhere(blocks):
    blocks.clear()


result = [None] * 4000
thread = threading.Thread(target=in_thread, args=(result,))
thread.start()
thread.join()
alive = [kept(), large(), grown(), result]
dropped()
elsewhere = kept()
thread = threading.Thread(target=freed_elsewhere, args=(elsewhere,))
thread.start()
thread.join()
if len(sys.argv) > 1:
    child = os.fork()
    if child == 0:
        del alive[0]  # the child ends with less than it was given
        os._exit(0)
    os.waitpid(child, 0)

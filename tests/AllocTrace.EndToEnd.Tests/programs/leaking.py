"""A leak that a module's global holds, garbage that nobody holds, and a line that both need."""
import gc
import sys
import time

gc.disable()


class Record:
    def __init__(self, number):
        self.number = number
        self.payload = "record %06d" % number


class Node:
    def __init__(self):
        self.me = self


CACHE = {}


def remember(number):
    CACHE[number] = Record(number + 1000)


for each in range(2000):
    remember(each)
for each in range(300):
    Node()
if len(sys.argv) > 1:
    print("ready", flush=True)
    if sys.argv[1] == "idle":
        sys.stdin.readline()
    end = time.monotonic() + 60
    while sys.argv[1] == "busy" and time.monotonic() < end:
        [object() for _ in range(10)]
        time.sleep(0.001)

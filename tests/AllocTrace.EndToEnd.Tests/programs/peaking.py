"""Grows to a peak, stays there until a line comes, and lets go of it."""
import sys
import threading
import time


class Row:
    def __init__(self, number):
        self.number = number + 1000
        self.text = "row %06d" % number


def work():
    rows = []
    for _ in range(40):
        first = len(rows)
        rows += [Row(first + i) for i in range(1000)]
        time.sleep(0.02)
    print("ready", flush=True)
    while not released.is_set():
        [object() for _ in range(10)]
        time.sleep(0.005)


released = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), released.set())).start()
work()
print("done")

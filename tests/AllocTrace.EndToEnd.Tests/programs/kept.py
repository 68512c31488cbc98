"""Keeps rows of which copies are made: argument 1 is their number. Ends when a line comes."""
import sys
import threading
import time


class Row:
    def __init__(self, number):
        self.number = number + 1000
        self.text = "row %06d" % number
        self.score = number * 0.5
        self.tags = [number]


rows = {number: Row(number) for number in range(int(sys.argv[1]))}
released = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), released.set())).start()
print("ready", flush=True)
while not released.is_set():
    [object() for _ in range(10)]
    time.sleep(0.005)

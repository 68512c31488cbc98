"""Threads that make, change and drop containers all the time: a copy must be of one consistent moment."""
import collections
import random
import sys
import threading


class Row:
    def __init__(self, number):
        self.number = number
        self.fields = {"a": number, str(number % 97): [number]}


def churn(seed, stop):
    chosen, live, queue = random.Random(seed), {}, collections.deque()
    while not stop:
        number = chosen.randrange(100000)
        live[number] = Row(number)
        queue.append(live[number])
        if len(queue) > 3000:
            live.pop(queue.popleft().number, None)
            live.pop(chosen.randrange(100000), None)
        if len(queue) % 1000 == 0:
            sorted(live)[:100], [row for row in queue][::7]


# A dict that comes from CPython's free list (80 at most) is known by the line that allocated it first: the list is emptied before rows are made.
taken = [{} for _ in range(100)]
stopped = []
threads = [threading.Thread(target=churn, args=(seed, stopped)) for seed in range(3)]
for thread in threads:
    thread.start()
print("ready", flush=True)
sys.stdin.readline()
stopped.append(1)
for thread in threads:
    thread.join()

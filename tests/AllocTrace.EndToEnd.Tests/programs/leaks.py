"""Planted leaks, each with a twin that does the same work and keeps nothing: leaks.py NAME leak|clean.

Each leak keeps about a megabyte or more, on the line that says LEAK. The twins are what `leaks` must not take for one: bounded caches, tables that are
built once, imports, queues that fill and drain, peaks that pass.
"""

import collections
import functools
import gc
import json
import logging
import os
import subprocess
import sys
import threading
import time

ROUNDS = 50
PAUSE = 0.006

kept = []
table = {}


def make(size=20_000):
    return bytearray(size)


def work():
    """Leaves nothing behind."""
    json.loads(json.dumps([{"name": f"row {i}", "value": i * 1.5} for i in range(100)]))


def rounds(step, count=ROUNDS):
    for i in range(count):
        work()
        step(i)
        time.sleep(PAUSE)


def growing_list(leak):
    def step(i):
        kept.append(bytearray(20_000))  # LEAK
        if not leak:
            kept.pop()

    rounds(step)


def unbounded_dict(leak):
    """The twin's cache is bounded: it is full after three rounds, and then replaces."""
    def step(i):
        for key in range(10 * i, 10 * i + 10):
            table[key] = bytes(3_000)  # LEAK
            if not leak and len(table) > 30:
                del table[next(iter(table))]

    rounds(step)


def closures(leak):
    callbacks = kept if leak else collections.deque(maxlen=2)

    def subscribe(i):
        payload = list(range(5_000))  # LEAK

        def callback():
            return payload[i]

        callbacks.append(callback)

    rounds(subscribe)


class Node:
    def __init__(self):
        self.me = self
        self.data = bytearray(30_000)  # LEAK


def cycles(leak):
    """The twin collects them."""
    gc.disable()

    def step(i):
        Node()
        if not leak and i % 3 == 2:
            gc.collect()

    rounds(step)


class Registry:
    entries = {}

    @classmethod
    def register(cls, name, leak):
        cls.entries[name] = [name] * 2_000  # LEAK
        if not leak:
            del cls.entries[name]


def registry(leak):
    rounds(lambda i: Registry.register(f"plugin-{i}", leak))


def requests_in_threads(leak):
    lock = threading.Lock()

    def handle(i):
        body = bytearray(8_000)  # LEAK
        work()
        with lock:
            kept.append(body)
            if not leak and len(kept) > 4:
                kept.pop(0)

    def serve():
        for i in range(ROUNDS):
            handle(i)
            time.sleep(PAUSE)

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def fail(i):
    buffer = bytearray(25_000)  # LEAK
    raise ValueError(len(buffer) + i)


def tracebacks(leak):
    def step(i):
        try:
            fail(i)
        except ValueError as error:
            kept.append(error if leak else str(error))

    rounds(step)


class Listener(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = [bytes(900) for _ in range(20)]  # LEAK

    def emit(self, record):
        pass


def handlers(leak):
    logger = logging.getLogger("leaks")
    logger.propagate = False

    def step(i):
        handler = Listener()
        logger.addHandler(handler)
        logger.warning("round %d", i)
        if not leak:
            logger.removeHandler(handler)

    rounds(step)


def numbers():
    state = [float(i) for i in range(1_000)]  # LEAK
    for each in state:
        yield each


def generators(leak):
    def step(i):
        generator = numbers()
        next(generator)
        kept.append(generator)
        if not leak:
            kept.pop().close()

    rounds(step)


class Model:
    history = []

    def save(self, leak):
        type(self).history.append({"fields": {f"field-{i}": "x" * 200 for i in range(100)}})  # LEAK
        if not leak:
            type(self).history.clear()


def class_attributes(leak):
    rounds(lambda i: Model().save(leak))


def bursts(leak):
    """Two bursts with quiet time around them. The twin frees what a burst left before the next."""
    for burst in range(2):
        time.sleep(0.15)
        for i in range(10):
            work()
            kept.append(bytearray(60_000))  # LEAK
            time.sleep(0.003)
        if not leak:
            kept.clear()
    time.sleep(0.3)


def first_half(leak):
    """Grows up to the middle of the work. The twin builds a table, once, and then works with it."""
    if not leak:
        table.update((i, bytes(2_000)) for i in range(500))

    def step(i):
        if leak and i < ROUNDS // 2:
            kept.append(bytearray(40_000))  # LEAK

    rounds(step)


def third_then_idle(leak):
    """Three tenths of the time, and then nothing happens any more. The twin's peak passes."""
    rounds(lambda i: kept.append(bytearray(60_000)), 20)  # LEAK
    if not leak:
        kept.clear()
        rounds(lambda i: None, 10)
    time.sleep(0.5)


def slow_drip(leak):
    """A little in each round, below much that comes and goes. The twin's queue fills and drains."""
    queue = collections.deque()

    def step(i):
        queue.extend(bytearray(1_000) for _ in range(100))
        if i % 5 == 4:
            queue.clear()
        record = bytearray(4_000)  # LEAK
        if leak:
            kept.append(record)

    rounds(step)


@functools.lru_cache(maxsize=None)
def everything(i):
    return "=" * (15_000 + i)  # LEAK


@functools.lru_cache(maxsize=4)
def recent(i):
    return "=" * (15_000 + i)


def cached_function(leak):
    rounds(everything if leak else recent)


def worker(leak):
    rounds(lambda i: kept.append(bytearray(20_000)) if leak else work())  # LEAK


def workers(leak):
    """In a process of its own."""
    subprocess.check_call([sys.executable, "-S", __file__, "worker", "leak" if leak else "clean"])


def importing(leak):
    """Modules are imported between the rounds, as programs do that import late; only the leak's rounds keep something."""
    modules = ["argparse", "ast", "calendar", "csv", "decimal", "difflib", "doctest", "email.message", "fractions", "html.parser", "http.client",
               "inspect", "ipaddress", "mailbox", "optparse", "pdb", "pickle", "plistlib", "pydoc", "statistics", "tarfile", "unittest", "uuid", "zipfile"]

    def step(i):
        if i < len(modules):
            __import__(modules[i])
        if leak:
            kept.append(bytearray(200_000))  # LEAK

    rounds(step)


def in_a_local(leak):
    """What the main function held is freed when it returns, before the interpreter finalizes."""
    entries = []

    def step(i):
        entries.append(bytearray(20_000))  # LEAK
        if not leak:
            entries.clear()

    rounds(step)


def growing_buffer(leak):
    """One block that becomes larger and larger."""
    buffer = bytearray()
    kept.append(buffer)

    def step(i):
        buffer.extend(bytes(20_000))  # LEAK
        if not leak:
            buffer.clear()

    rounds(step)


def forked(leak):
    """The child leaks what its parent does not have."""
    table.update((i, bytes(2_000)) for i in range(500))
    child = os.fork()
    if child == 0:
        worker(leak)
    else:
        os.waitpid(child, 0)


def arrays(leak):
    import numpy

    def step(i):
        # empty is C, so this line allocates, and no line of numpy.
        kept.append(numpy.empty(5_000))  # LEAK
        if not leak:
            kept.clear()

    rounds(step)


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2] == "leak")

"""Programs of many kinds for the unwinder (UnwindingTests): each calls its allocator from other C code.

unwound.py LIBRARY KIND... : c_callers.so, and the kinds to run. A kind whose module is not installed is left out.
"""

import ctypes
import sys

LIBRARY = sys.argv[1]


def pure():
    class Node:
        def __init__(self, depth):
            self.children = [Node(depth - 1) for _ in range(3)] if depth else []
            self.name = str(depth) * 3

        def __lt__(self, other):
            return len(self.name) < len(other.name)

    def deep(n):
        return [n] if n == 0 else deep(n - 1) + [n]

    Node(5), sorted([Node(0) for _ in range(100)]), deep(200)
    list(map(lambda n: str(n) * 2, range(1000))), max(range(100), key=str)
    sum((float(x) for x in range(500)), 0.0)


def json_documents():
    import json

    document = json.dumps({"a": [1, 2, 3, {"b": "c" * 20}] * 10, "x": list(range(50))})
    for _ in range(60):
        json.dumps(json.loads(document))


def regular_expressions():
    import re

    text = "the quick brown fox 123-456 jumps over 78-90 " * 20
    for i in range(8):
        re.sub(r"(\d+)-(\d+)", lambda m: m.group(2) + m.group(1), text)
        re.purge()
        re.compile(r"(?P<a>x|y)+(?:z{2,3})?\d*" + str(i))


def sqlite():
    import sqlite3

    class Sum:
        def __init__(self):
            self.values = []

        def step(self, value):
            self.values.append(str(value))

        def finalize(self):
            return len(self.values)

    database = sqlite3.connect(":memory:")
    database.create_function("double", 1, lambda x: str(x) * 2)
    database.create_aggregate("total_of", 1, Sum)
    database.create_collation("reverse", lambda a, b: (a < b) - (a > b))
    database.execute("CREATE TABLE t (a, b)")
    database.executemany("INSERT INTO t VALUES (?, ?)", ((i, str(i)) for i in range(400)))
    database.execute("SELECT double(b), total_of(a) FROM t GROUP BY a % 7").fetchall()
    database.execute("SELECT b FROM t ORDER BY b COLLATE reverse").fetchall()


def callbacks():
    libc = ctypes.CDLL(None)
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))(lambda a, b: len([str(a[0]), str(b[0])]) and a[0] - b[0])
    for seed in range(3):
        numbers = (ctypes.c_int * 60)(*[(i * 7919 + seed) % 1000 for i in range(60)])
        libc.qsort(numbers, 60, 4, compare)


def odd_frames():
    callers = ctypes.CDLL(LIBRARY)
    callback = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long)(lambda n: len([str(n)] * 3))
    callers.c_aligned.argtypes = callers.c_outer.argtypes = [type(callback), ctypes.c_long]
    for i in range(120):
        callers.c_aligned(callback, i), callers.c_outer(callback, i)


def generators():
    import asyncio

    def nested(n):
        if n:
            yield from nested(n - 1)
        yield [n, str(n)]

    async def counted(n):
        await asyncio.sleep(0)
        return await counted(n - 1) + [n] if n else [str(n)]

    async def main():
        for _ in range(3):
            await asyncio.gather(*[counted(6) for _ in range(10)])

    for _ in range(8):
        list(nested(30)), list(zip(nested(5), nested(6)))
    asyncio.run(main())


def exceptions():
    class Failure(Exception):
        pass

    def fail(n):
        if n == 0:
            raise Failure("x" * 50)
        try:
            fail(n - 1)
        except Failure as error:
            raise ValueError(str(n)) from error

    class Finalized:
        def __del__(self):
            self.kept = [str(id(self))]

    for _ in range(40):
        try:
            fail(8)
        except Exception as error:
            repr(error) + str(error.__context__)
        Finalized()


def threads():
    import threading

    def work():
        for _ in range(3):
            sorted([str(i) * 3 for i in range(200)], key=lambda s: s[::-1])

    started = [threading.Thread(target=work) for _ in range(8)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def signals():
    import signal
    import time

    signal.signal(signal.SIGALRM, lambda *_: [str(x) for x in range(5)])
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    end = time.time() + 0.1
    while time.time() < end:
        sorted([str(i) for i in range(50)], key=lambda s: s * 2)
    signal.setitimer(signal.ITIMER_REAL, 0)


def greenlets():
    import greenlet

    def work(n):
        def inner(k):
            if k:
                return sorted([inner(k - 1)], key=lambda x: str(x))
            greenlet.getcurrent().parent.switch([str(n)] * 3)
            return [str(k)]

        inner(5)

    for _ in range(5):
        started = [greenlet.greenlet(work) for _ in range(20)]
        for i, each in enumerate(started):
            each.switch(i)
        for each in started:
            each.switch()


def lxml():
    from lxml import etree

    text = "<r>" + "".join('<i id="%d"><a>t%d</a><b c="x"/></i>' % (i, i) for i in range(200)) + "</r>"
    root = etree.fromstring(text)
    root.xpath("//i[@id>10]/a/text()"), etree.tostring(root, pretty_print=True), [e.get("id") for e in root.iter("i")]


def numpy():
    import numpy

    for _ in range(4):
        a = numpy.random.default_rng(1).random((40, 40))
        numpy.linalg.svd(a @ a.T), numpy.sort(a, axis=0), numpy.unique((a * 10).astype(int)), numpy.fft.fft(a), repr(a[:3])
        numpy.apply_along_axis(lambda v: numpy.array([v.sum(), str(v[0])]), 0, a[:, :5])


def unloading():
    libdl = ctypes.CDLL(None)
    libdl.dlclose.argtypes = [ctypes.c_void_p]
    libdl.free.argtypes = [ctypes.c_void_p]
    for i in range(6):
        library = ctypes.CDLL(LIBRARY.replace("c_callers", ("unloaded_small", "unloaded_large")[i % 2]))
        library.allocate.restype = ctypes.c_void_p
        for size in range(50):
            libdl.free(library.allocate(size))
        handle = library._handle
        del library
        libdl.dlclose(handle)


for kind in sys.argv[2:]:
    try:
        globals()[kind]()
    except ImportError as error:
        print(kind, error)

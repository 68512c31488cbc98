"""Planted leaks, one at a time (LEAK names it). After READY the leak is undone, so that what it retained can be counted; then it says DONE."""
import asyncio
import collections
import functools
import gc
import os
import sys
import threading
import time
import types

import witness

N = int(os.environ.get("N", "20000"))
app = types.ModuleType("app.models")
sys.modules["app.models"] = app


class Record:
    def __init__(self, i):
        self.i = i + 10**6
        self.payload = "payload %d" % i * 3
        self.extra = {"k%d" % i: [i]}


def cache():
    app.CACHE = {}
    for i in range(N):
        app.CACHE[i] = Record(i)

    def undo():
        del app.CACHE

    return undo


def closure():
    def make(n):
        seen = []

        def handler(i):
            seen.append(Record(i))
            return len(seen)

        return handler

    app.handler = make(3)
    for i in range(N):
        app.handler(i)

    def undo():
        del app.handler

    return undo


def events():
    class Bus:
        def __init__(self):
            self.listeners = {"saved": []}

        def on(self, name, f):
            self.listeners[name].append(f)

    class View:
        def __init__(self, i):
            self.record = Record(i)

        def refresh(self):
            pass

    app.bus = Bus()
    for i in range(N):
        app.bus.on("saved", View(i).refresh)
    return lambda: app.bus.listeners["saved"].clear()


def lru():
    class Service:
        def __init__(self, i):
            self.record = Record(i)

        @functools.lru_cache(maxsize=None)
        def compute(self, x):
            return x + 1

    app.Service = Service
    for i in range(N):
        Service(i).compute(1)
    return lambda: Service.compute.cache_clear()


def traceback():
    app.errors = []

    def work(i):
        record = Record(i)
        raise ValueError("bad %d" % record.i)

    for i in range(N):
        try:
            work(i)
        except ValueError as e:
            app.errors.append(e)
    return lambda: app.errors.clear()


def cycle():
    gc.collect()
    gc.disable()

    class Node:
        def __init__(self, i):
            self.record = Record(i)
            self.me = self

    for i in range(N):
        Node(i)
    return lambda: None


def local():
    started, done, undone = threading.Event(), threading.Event(), threading.Event()

    def serve():
        history = collections.deque()
        for i in range(N):
            history.append(Record(i))
        started.set()
        done.wait()
        history.clear()
        undone.set()
        threading.Event().wait()  # what the thread itself has stays

    threading.Thread(target=serve, daemon=True).start()
    started.wait()

    def undo():
        done.set()
        undone.wait()

    return undo


def threadlocal():
    app.state = threading.local()
    app.state.items = [Record(i) for i in range(N)]

    def undo():
        del app.state.items

    return undo


def threadlocals():
    class Request(threading.local):
        pass

    app.request = Request()
    done = threading.Event()

    def serve(started):
        app.request.rows = [Record(i) for i in range(N // 4)]
        started.set()
        done.wait()

    for _ in range(4):
        started = threading.Event()
        threading.Thread(target=serve, args=(started,), daemon=True).start()
        started.wait()
    while len(done._cond._waiters) < 4:  # a frame that runs may have old words on its stack
        time.sleep(0.001)

    def undo():
        del app.request

    return undo


def classattr():
    class Model:
        registry = []

    app.Model = Model
    for i in range(N):
        Model.registry.append(Record(i))
    return lambda: Model.registry.clear()


async def task():
    async def job(i, never):
        record = Record(i)
        await never
        return record

    never = asyncio.get_running_loop().create_future()
    app.tasks = set()
    for i in range(N // 4):
        app.tasks.add(asyncio.ensure_future(job(i, never)))
    await asyncio.sleep(0)
    witness.ready()
    for t in app.tasks:
        t.cancel()
    await asyncio.gather(*app.tasks, return_exceptions=True)
    app.tasks.clear()


name = os.environ["LEAK"]
if name == "task":
    asyncio.run(task())
else:
    undo = globals()[name]()
    witness.ready()
    undo()
gc.collect()
if name == "cycle":
    gc.collect()  # without the GIL, it frees buffers of what the first one freed
os.write(1, b"DONE\n")
os.read(0, 1)
os._exit(0)

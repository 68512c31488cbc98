"""Planted leaks, one at a time (LEAK=name). After READY it undoes the leak, so that what was retained can be counted."""
import asyncio, collections, functools, gc, os, sys, threading, witness
class Record:
    def __init__(self, i): self.i = i + 10**6; self.payload = "payload %d" % i * 3; self.extra = {"k%d" % i: [i]}
which = os.environ["LEAK"]; N = 20000
import types as _t
app = _t.ModuleType("app.models"); sys.modules["app.models"] = app
if which == "cache":
    app.CACHE = {}
    def get(i):
        if i not in app.CACHE: app.CACHE[i] = Record(i)
        return app.CACHE[i]
    for i in range(N): get(i)
    def undo(): del app.CACHE
elif which == "closure":
    def make(n):
        seen = []
        def handler(i): seen.append(Record(i)); return len(seen)
        return handler
    app.handler = make(3)
    for i in range(N): app.handler(i)
    def undo(): del app.handler
elif which == "events":
    class Bus:
        def __init__(self): self.listeners = {"saved": []}
        def on(self, name, f): self.listeners[name].append(f)
    class View:
        def __init__(self, i): self.record = Record(i)
        def refresh(self): pass
    app.bus = Bus()
    for i in range(N): app.bus.on("saved", View(i).refresh)
    def undo(): app.bus.listeners["saved"].clear()
elif which == "lru":
    class Service:
        def __init__(self, i): self.record = Record(i)
        @functools.lru_cache(maxsize=None)
        def compute(self, x): return x + 1
    app.Service = Service
    for i in range(N): Service(i).compute(1)
    def undo(): Service.compute.cache_clear()
elif which == "traceback":
    app.errors = []
    def work(i):
        record = Record(i); other = [record] * 3
        raise ValueError("bad %d" % i)
    for i in range(N):
        try: work(i)
        except ValueError as e: app.errors.append(e)
    def undo(): app.errors.clear()
elif which == "task":
    async def job(i, never):
        record = Record(i)
        await never
        return record
    async def main():
        never = asyncio.get_running_loop().create_future(); app.tasks = set()
        for i in range(N // 4): app.tasks.add(asyncio.ensure_future(job(i, never)))
        await asyncio.sleep(0)
        witness.ready()
        for t in app.tasks: t.cancel()
        await asyncio.gather(*app.tasks, return_exceptions=True); app.tasks.clear()
    asyncio.run(main())
    def undo(): pass
elif which == "cycle":
    gc.collect(); gc.disable()
    class Node:
        def __init__(self, i): self.record = Record(i); self.me = self
    for i in range(N): Node(i)
    def undo(): pass
elif which == "local":
    def serve():
        history = collections.deque(); lock = threading.Event()
        for i in range(N): history.append(Record(i))
        started.set(); done.wait()
    started, done = threading.Event(), threading.Event()
    t = threading.Thread(target=serve); t.start(); started.wait()
    def undo(): done.set(); t.join()
elif which == "threadlocal":
    app.state = threading.local(); app.state.items = [Record(i) for i in range(N)]
    def undo(): del app.state.items
elif which == "classattr":
    class Model: registry = []
    app.Model = Model
    for i in range(N): Model.registry.append(Record(i))
    def undo(): Model.registry.clear()
i = None
if which != "task": witness.ready()
undo(); gc.collect()
os.write(1, b"DONE\n"); os.read(0, 1); os._exit(0)

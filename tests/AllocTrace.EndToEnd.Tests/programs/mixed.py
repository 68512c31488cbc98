"""Does a bit of everything that programs do, as SEED chooses. The last line of its output is the same however and wherever it runs.

usage: mixed.py SEED LIBRARY DEPTH
LIBRARY is native/threads.c's. Processes that it makes do the same, with less DEPTH: at 0 there are no more of them."""
import asyncio
import collections
import ctypes
import gc
import json
import multiprocessing
import os
import queue
import random
import re
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib

kept = []  # what children inherit


def told(value):
    return zlib.crc32(repr(value).encode())


# ---- within a thread ----

def objects(r):
    class Node:
        def __init__(self, other):
            self.other, self.data = other, bytearray(r.randrange(700))

    first = last = Node(None)
    for _ in range(r.randrange(50, 400)):
        last = Node(last)
    first.other = last  # garbage that only the collector finds
    kind = type("Kind%d" % r.randrange(100), (ValueError,), {"number": r.randrange(1000)})
    try:
        try:
            raise kind("text")
        except ValueError as error:
            raise RuntimeError(error.number) from error
    except RuntimeError as error:
        return str(error)


def documents(r):
    text = json.dumps([{"key": i, "values": [r.random() for _ in range(10)], "text": "x" * r.randrange(900)} for i in range(r.randrange(10, 60))])
    return len(json.loads(text)), len(re.findall(r'"key": (\d+)', text))


def generated(r):
    def steps(n):
        try:
            yield from (iter([n]) if n == 0 else steps(n - 1))
            yield str(n) * r.randrange(1, 50)
        finally:
            bytes(n)

    left = steps(30)
    first = next(left)
    left.close()
    return first, sum(len(str(step)) for step in steps(20))


def awaited(r):
    async def work(n):
        for i in range(n % 7):
            await asyncio.sleep(0)
        return [bytes(n) for _ in range(5)]

    async def numbers(n):
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    async def main():
        tasks = [asyncio.ensure_future(work(r.randrange(600))) for _ in range(40)]
        for task in tasks[::9]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        return sum(isinstance(result, list) for result in done), [i async for i in numbers(9)]

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


def compiled(r):
    total = 0
    for i in range(r.randrange(5, 30)):
        scope = {}
        exec(compile("def function_%d(n):\n    x = [n] * %d\n    return len(x), (lambda: x)\n" % (i, r.randrange(2000)), "<made %d>" % i, "exec"), scope)
        total += scope["function_%d" % i](i)[0]
    return total


def recursion(r):
    def down(n):
        held = bytes(n)
        return len(held) + down(n - 1) if n else 0
    return down(r.randrange(50, 300))


def sizes(r):
    grown, pieces = bytearray(), []
    for i in range(r.randrange(100, 2000)):
        grown += b"0123456789" * (i % 40)
        pieces.append(i)
    try:
        return bytearray(1 << 60)
    except MemoryError:
        return len(grown), len(pieces), len(bytes(r.randrange(1 << 22)))


def structures(r):
    table, order = collections.OrderedDict(), collections.deque(maxlen=100)
    for i in range(r.randrange(100, 1500)):
        table["%d" % r.randrange(500)] = (i, [i])
        order.append({i})
        if len(table) > 200:
            table.popitem(last=False)
    return len(table), len(order)


WITHIN = [objects, documents, generated, awaited, compiled, recursion, sizes, structures]


def some(r, count):
    return [r.choice(WITHIN)(r) for _ in range(count)]


# ---- in one process ----

def threads(r, library, depth):
    results, passed = {}, queue.Queue(maxsize=20)

    def work(number, seed):
        results[number] = some(random.Random(seed), 3)
        passed.put([bytes(number * 100 + i) for i in range(50)])

    made = [threading.Thread(target=work, args=(number, r.random())) for number in range(r.randrange(2, 12))]
    [thread.start() for thread in made]
    received = sum(len(passed.get()) for _ in made)  # freed here
    [thread.join() for thread in made]
    return sorted(results.items()), received


def foreign_threads(r, library, depth):
    """Threads of C: some free each other's blocks without the GIL, some run Python."""
    failed = library.hammer(r.randrange(2000)), library.come_and_go(20)
    code = b"import json, threading; json.dumps([bytearray(100).hex() for _ in range(50)]); threading.local().x = 1"
    return failed, library.run_in_foreign_threads(r.randrange(1, 6), code)


def interpreters(r, library, depth):
    code = "import json, re\nkept = [json.loads(json.dumps({str(i): [i] * 20})) for i in range(%d)]\ndel kept[::2]\n" % r.randrange(20, 200)
    try:
        import _interpreters
        kinds = ["legacy", "isolated"]
    except ImportError:
        import _xxsubinterpreters as _interpreters
        kinds = [False, True] if sys.version_info >= (3, 10) else [None]

    def run(interpreter):
        failed = _interpreters.run_string(interpreter, code)
        assert failed is None, failed

    made = []
    for _ in range(r.randrange(1, 4)):
        kind = r.choice(kinds)
        made.append(_interpreters.create(kind) if isinstance(kind, str) else _interpreters.create() if kind is None else _interpreters.create(isolated=kind))
    if r.random() < 0.5:
        running = [threading.Thread(target=run, args=(interpreter,)) for interpreter in made]
        [thread.start() for thread in running]
        [thread.join() for thread in running]
    else:
        [run(interpreter) for interpreter in made]
    [_interpreters.destroy(interpreter) for interpreter in made]
    return len(made)


def traced(r, library, depth):
    tracemalloc.start(r.randrange(1, 10))
    result = some(r, 2)
    tracemalloc.take_snapshot().statistics("lineno")
    tracemalloc.stop()
    return result


def collected(r, library, depth):
    before = gc.get_threshold()
    gc.set_threshold(1)
    result = some(r, 1)
    gc.set_threshold(*before)
    gc.collect()
    return result


def arrays(r, library, depth):
    try:
        import numpy
    except ImportError:
        return 0  # as without the tracer
    made = [numpy.arange(r.randrange(1, 100_000)) for _ in range(20)]
    return int(sum(array.sum() for array in made)), float((made[0] * 2.0)[-1])


def remembered(r, library, depth):
    kept.append([bytes(r.randrange(2000)) for _ in range(200)])
    del kept[:-5]
    return len(kept)


WITHOUT_CHILDREN = [threads, foreign_threads, interpreters, traced, collected, arrays, remembered] + [lambda r, library, depth: some(r, 6)] * 3


# ---- with children ----

def waited(pid):
    status = os.waitpid(pid, 0)[1]
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def child(r, library, depth):
    """Frees what its parent made, and goes on."""
    for blocks in kept[::2]:
        del blocks[::3]
    return everything(r, library, depth - 1)


def forked(r, library, depth):
    """Children that end in each way there is, after what they came to was told."""
    told_by, ends = [], ["_exit", "kill", "exec", "finalize"]
    for _ in range(r.randrange(1, 4)):
        end, seed = r.choice(ends), r.random()
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(write, b"%d" % told(child(random.Random(seed), library, depth)))
            if end == "exec":
                os.execv(sys.executable, command(seed, depth - 1))
            elif end == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            elif end == "finalize":
                sys.exit(7)
            os._exit(5)
        os.close(write)
        kept.append([bytes(100) for _ in range(100)])  # the child has the old ones
        told_by.append((os.read(read, 100), waited(pid)))
        os.close(read)
    return told_by


def killed(r, library, depth):
    """Killed while it allocates."""
    pid = os.fork()
    if pid == 0:
        while True:
            some(r, 1)
    time.sleep(r.random() * 0.1)
    os.kill(pid, signal.SIGKILL)
    return waited(pid)


def square(n):
    return sum(some(random.Random(n), 1) != [] for _ in range(3)) + n * n


def pool(r, library, depth):
    with multiprocessing.get_context(r.choice(["fork", "fork", "spawn"])).Pool(2) as workers:
        result = workers.map(square, range(r.randrange(1, 12)))
        workers.close()
        workers.join()
    return result


def command(seed, depth):
    return [sys.executable, "-W", "ignore", os.path.abspath(__file__), repr(seed), sys.argv[2], str(depth)]


def programs(r, library, depth):
    subprocess.run(["true"], check=True)
    os.system("true")
    flag = r.choice(["-S", "-B", "-O"])
    other = subprocess.run([sys.executable, flag, "-c", "print(sum(len(str(i)) for i in range(%d)))" % r.randrange(10_000)], check=True, stdout=subprocess.PIPE)
    both = [subprocess.Popen(command(r.random(), depth - 1), stdout=subprocess.PIPE) for _ in range(r.randrange(1, 3))]
    return other.stdout, [process.communicate()[0].split()[-1] for process in both], [process.returncode for process in both]


WITH_CHILDREN = [forked, forked, killed, pool, programs]


def everything(r, library, depth):
    acts = WITHOUT_CHILDREN + (WITH_CHILDREN * 2 if depth > 0 else [])
    return [r.choice(acts)(r, library, depth) for _ in range(3 + 3 * max(depth, 0))]


def main():
    r = random.Random(float(sys.argv[1]))
    library = ctypes.CDLL(sys.argv[2])
    print(told(everything(r, library, int(sys.argv[3]))), flush=True)
    if r.random() < 0.3:
        os._exit(0)


if __name__ == "__main__":
    main()

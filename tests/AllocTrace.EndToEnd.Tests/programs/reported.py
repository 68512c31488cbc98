"""A process that says what its threads are doing, and stays so until its input ends.

usage: reported.py SEED

Writes one JSON line: {"waiting": {THREAD: [[file, line, function], ...]}, "busy": [THREAD, ...], "calls": [[line, function], ...]}, where THREAD is
threading.get_ident() and frames are oldest first. Busy threads run for ever; each of their functions is called from lines of its own:
"calls" are all pairs of a line and the function that it calls.
"""
import asyncio
import json
import random
import sys
import threading

rng = random.Random(int(sys.argv[1]))
done = threading.Event()
qualified = sys.version_info >= (3, 11)
arrived = threading.Semaphore(0)
gate = threading.Lock()
gate.acquire()


def told(frame):
    frames = []
    while frame is not None:
        code = frame.f_code
        frames.append([code.co_filename, frame.f_lineno, code.co_qualname if qualified else code.co_name])
        frame = frame.f_back
    return frames[::-1]


def wait():
    arrived.release()
    gate.acquire()


WAITING = wait.__code__.co_firstlineno + 2


def recursive(shape):
    return recursive(shape[1:]) if shape and shape[0] == 0 else go(shape)


def generator(shape):
    def inner():
        yield go(shape)
    for _ in inner():
        pass


class Made:
    def __init__(self, shape):
        self.value = [go(shape) for _ in range(1)]


async def coroutine(shape):
    await inner_coroutine(shape)


async def inner_coroutine(shape):
    go(shape)


def run_coroutine(shape):
    try:
        coroutine(shape).send(None)
    except StopIteration:
        pass


def executed(shape):
    scope = {"go": go, "shape": shape}
    exec(compile("def f\u00e9\u4e2d(): go(shape)\nf\u00e9\u4e2d()", "\u20ac \udc80.py", "exec"), scope)


def mapped(shape):
    list(map(go, [shape]))


KINDS = [recursive, generator, Made, run_coroutine, executed, mapped]


def go(shape):
    if not shape:
        return wait()
    KINDS[shape[0]](shape[1:])


# ---- busy ----

def leaf_a():
    return 1


def leaf_b():
    return 2


def middle():
    leaf_a()
    return leaf_b()


def numbers():
    yield leaf_a()
    yield leaf_b()


class Number:
    def __init__(self):
        self.value = leaf_b()


def down(n):
    return down(n - 1) if n else middle()


def busy():
    while not done.is_set():
        leaf_a()
        leaf_b()
        middle()
        Number()
        down(5)
        for _ in numbers():
            leaf_a()


def calls():
    """From the source: the functions above that each line calls."""
    lines = open(__file__, encoding="utf-8").read().split("\n")
    begin = next(i for i, line in enumerate(lines) if "---- busy ----" in line)
    functions = {"leaf_a": "leaf_a", "leaf_b": "leaf_b", "middle": "middle", "numbers": "numbers", "Number": "Number.__init__" if qualified else "__init__", "down": "down"}
    for number, line in enumerate(lines, 1):
        if begin < number <= begin + 40 and not line.startswith(("def", "class", "    def")):
            for name, function in functions.items():
                if name + "(" in line:
                    yield [number, function]


threads = [threading.Thread(target=go, args=([rng.randrange(len(KINDS)) for _ in range(rng.randrange(0, 30))],), daemon=True) for _ in range(rng.randrange(1, 5))]
busy_threads = [threading.Thread(target=busy, daemon=True) for _ in range(rng.randrange(0, 3))]
for thread in threads:
    thread.start()
for _ in threads:
    arrived.acquire()


def settled():
    frames = sys._current_frames()
    return {thread.ident: told(frames[thread.ident]) for thread in threads}


# A thread on its last line does not leave it. (Seen on another line twice, it may have waited for the GIL both times.)
seen = settled()
while any(frames[-1] != [__file__, WAITING, "wait"] for frames in seen.values()):
    seen = settled()
for thread in busy_threads:
    thread.start()


def report():
    sys.stdin.read()


READING = report.__code__.co_firstlineno + 1


def tell(main):
    """Only when the main thread, too, is on a line that it does not leave."""
    while told(sys._current_frames()[main])[-1] != [__file__, READING, "report"]:
        pass
    frames = {**seen, main: told(sys._current_frames()[main])}
    print(json.dumps({"waiting": frames, "busy": [thread.ident for thread in busy_threads], "calls": list(calls())}), flush=True)
    gate.acquire()


threading.Thread(target=tell, args=(threading.get_ident(),), daemon=True).start()
report()
done.set()

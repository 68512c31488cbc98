"""Allocates blocks of sizes that nothing else has, on stacks of every kind, and writes what sys._getframe says of each, or tracemalloc.

usage: random_stacks.py SEED OUTPUT [tracemalloc]    one JSON line a block: [size, [[file, line, function], ...]], frames oldest first

tracemalloc knows no functions: these are empty then. A forked child writes into a file of its own, whose name begins with OUTPUT.
"""
import asyncio
import functools
import json
import os
import random
import sys
import threading
import tracemalloc

seed, output = int(sys.argv[1]), sys.argv[2]
HEADER = sys.getsizeof(b"")
qualified = sys.version_info >= (3, 11)
blocks, numbers, lock = [], iter(range(1_000_003, 100_000_000, 64)), threading.Lock()
counting = threading.RLock()


def size():
    """Free-threaded builds may give two threads the same number of a range."""
    with counting:
        return next(numbers)


def told(block):
    """Called on the line that made the block: its caller's stack is the block's."""
    if tracemalloc.is_tracing():
        frames = [[frame.filename, frame.lineno, ""] for frame in tracemalloc.get_object_traceback(block)]
        with lock:
            blocks.append((block, [len(block) + HEADER, frames]))
        return
    frames, frame = [], sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        frames.append([code.co_filename, frame.f_lineno, code.co_qualname if qualified else code.co_name])
        frame = frame.f_back
    with lock:
        blocks.append((block, [len(block) + HEADER, frames[::-1]]))


def plain(rng, depth):
    told(bytes(size()))
    go(rng, depth)
    told(bytes(size()))


def recursive(rng, depth):
    def down(n):
        if n:
            return down(n - 1)
        told(bytes(size()))
        go(rng, depth - 1)
    down(rng.randrange(1, 40))


def generator(rng, depth):
    def inner(n):
        for i in range(n):
            told(bytes(size()))
            yield i

    def outer(n):
        yield from inner(n)
        told(bytes(size()))
        yield n
    for _ in outer(rng.randrange(1, 4)):
        go(rng, depth - 1)
        told(bytes(size()))


def two_generators(rng, depth):
    def steps():
        for i in range(6):
            told(bytes(size()))
            yield i
    a, b = steps(), steps()
    for x, y in zip(a, b):
        told(bytes(size()))


def comprehension(rng, depth):
    [told(bytes(size())) for _ in range(3)]
    {i: [told(bytes(size())) for _ in range(i)] for i in range(3)}
    list(told(bytes(size())) for _ in range(2))
    go(rng, depth - 1)


class Made:
    def __init__(self, rng, depth):
        told(bytes(size()))
        go(rng, depth - 1)

    def __del__(self):
        told(bytes(size()))

    def __lt__(self, other):
        told(bytes(size()))
        return False

    @property
    def value(self):
        told(bytes(size()))
        return 1

    def __getattr__(self, name):
        told(bytes(size()))
        return name


def objects(rng, depth):
    made = Made(rng, depth)
    made.value, made.missing
    sorted([made, made, made])
    del made


def from_c(rng, depth):
    list(map(lambda _: told(bytes(size())), range(3)))
    functools.reduce(lambda a, b: told(bytes(size())), range(3))
    sorted(range(4), key=lambda n: told(bytes(size())) or n)
    go(rng, depth - 1)


def executed(rng, depth):
    source = "\n" * rng.randrange(50) + "def made(told, size, go, rng, depth):\n    told(bytes(size()))\n    go(rng, depth)\n    told(bytes(size()))\n"
    scope = {}
    exec(compile(source, "<made %d>" % rng.randrange(3), "exec"), scope)
    scope["made"](told, size, go, rng, depth - 1)
    eval("told(bytes(size()))")


def coroutines(rng, depth):
    async def leaf():
        told(bytes(size()))
        await asyncio.sleep(0)
        told(bytes(size()))

    async def branch(n):
        if n:
            await branch(n - 1)
        else:
            await asyncio.gather(leaf(), leaf())
        told(bytes(size()))

    async def agen():
        for i in range(3):
            told(bytes(size()))
            yield i

    async def main():
        await branch(rng.randrange(5))
        async for _ in agen():
            told(bytes(size()))
    asyncio.run(main())


class Speaks:
    """An exception that allocates when it is thrown in as a type: the generator's frame is on the stack before its first instruction."""
    class Error(Exception):
        def __init__(self, *arguments):
            told(bytes(size()))


def thrown_into(rng, depth):
    def fresh(n):
        if n:
            yield from fresh(n - 1)
        yield n

    async def coroutine():
        await asyncio.sleep(0)

    def ended(make, throw):
        made = make()
        try:
            throw(made)
        except (Speaks.Error, StopIteration):
            told(bytes(size()))

    def throw(made):
        made.throw(Speaks.Error())

    def outer():
        try:
            yield from fresh(2)
        except Speaks.Error:
            told(bytes(size()))
            go(rng, depth - 1)

    def through(made):
        next(made)
        made.throw(Speaks.Error())

    def profiler(frame, event, argument):
        if frame.f_code in (fresh.__code__, coroutine.__code__):
            told(bytes(size()))

    ended(lambda: fresh(1), throw)
    ended(coroutine, throw)
    ended(outer, through)
    old = sys.getprofile()
    sys.setprofile(profiler)
    ended(lambda: fresh(1), throw)
    ended(coroutine, throw)
    sys.setprofile(old)


class Path(str):
    pass


def named_by_subclass(rng, depth):
    scope = {}
    name = Path(rng.choice(["<path %d>", "<\u0119cie\u017cka %d>", "<\U0001f40d %d>"]) % rng.randrange(3))
    exec(compile("def made(told, size):\n    told(bytes(size()))\n", name, "exec"), scope)
    scope["made"](told, size)


def jumping(rng, depth):
    def tracer(frame, event, argument):
        if frame.f_code is not jumps.__code__:
            return None
        if event == "line" and frame.f_lineno == jumps.__code__.co_firstlineno + 2:
            told(bytes(size()))
            frame.f_lineno += 2
            told(bytes(size()))
        return tracer

    def jumps():
        told(bytes(size()))
        len("")
        told(bytes(size()))
        told(bytes(size()))
    old = sys.gettrace()
    sys.settrace(tracer)
    jumps()
    sys.settrace(old)


def write(path):
    with open(path, "w") as file:
        for _, told_of in blocks:
            print(json.dumps(told_of), file=file)


children = iter(range(1, 15))


def forked(rng, depth):
    """The child's blocks have sizes between the parent's."""
    global numbers
    number = next(children, None)
    if number is None or threading.active_count() != 1:
        return
    told(bytes(size()))
    pid = os.fork()
    if pid == 0:
        try:
            blocks.clear()
            numbers = iter(range(1_000_003 + 4 * number, 100_000_000, 64))
            go(random.Random(rng.random()), depth)
            told(bytes(size()))
            write("%s.%d" % (output, number))
        finally:
            os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    told(bytes(size()))


def raising(rng, depth):
    try:
        try:
            told(bytes(size()))
            raise ValueError
        except ValueError:
            told(bytes(size()))
            raise KeyError
        finally:
            told(bytes(size()))
    except KeyError:
        go(rng, depth - 1)


def traced(rng, depth):
    def tracer(frame, event, argument):
        return tracer
    old = sys.gettrace()
    sys.settrace(tracer)
    told(bytes(size()))
    plain(rng, 0)
    sys.settrace(old)
    sys.setprofile(lambda *arguments: None)
    plain(rng, 0)
    sys.setprofile(None)
    told(bytes(size()))


def in_thread(rng, depth):
    thread = threading.Thread(target=go, args=(random.Random(rng.random()), depth - 1))
    thread.start()
    told(bytes(size()))
    thread.join()


def callbacks(depth):
    return [plain, recursive, generator, two_generators, comprehension, objects, from_c, executed, raising, traced, thrown_into, named_by_subclass, jumping] + [coroutines, in_thread] * (depth > 2) + [forked] * (depth == 4)


def go(rng, depth):
    if depth <= 0:
        return
    for _ in range(rng.randrange(1, 3)):
        rng.choice(callbacks(depth))(rng, depth - 1)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        tracemalloc.start(10_000)
    rng = random.Random(seed)
    while len(blocks) < 3000:
        go(rng, 6)
    write(output)

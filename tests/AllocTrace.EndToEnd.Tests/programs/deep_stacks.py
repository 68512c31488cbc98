"""Deep stacks that are taken down and built up again without an allocation, and then allocate.

usage: deep_stacks.py SEED OUTPUT DEPTH BLOCKS    as random_stacks.py; only the ends of a stack are written, and how many frames it has:
[size, frames, [[file, line, function], ...]], the outermost three and the innermost 40, and every line that is not the recursion's
"""
import json
import random
import sys
import threading

seed, output, depth, wanted = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
HEADER = sys.getsizeof(b"")
qualified = sys.version_info >= (3, 11)
blocks, numbers, lock = [], iter(range(1_000_003, 100_000_000, 64)), threading.Lock()
sys.setrecursionlimit(4 * depth + 1000)


def told(block):
    frames, frame, count = [], sys._getframe(1), 0
    while frame is not None:
        count += 1
        code = frame.f_code
        if count <= 40 or frame.f_back is None or code.co_name not in ("down", "through"):
            frames.append([code.co_filename, frame.f_lineno, code.co_qualname if qualified else code.co_name])
        frame = frame.f_back
    with lock:
        blocks.append((block, [len(block) + HEADER, count, frames[::-1]]))


class Node:
    """A step of a prepared way: following it allocates nothing."""
    __slots__ = ("then", "act")

    def __init__(self, then, act):
        self.then, self.act = then, act


def down(node):
    if node.act is not None:
        node.act()
    if node.then is not None:
        down(node.then)


def leaf():
    with lock:  # free-threaded builds may give two threads the same number of a range
        number = next(numbers)
    told(bytes(number))


def through(node):
    if node.then is None:
        yield leaf()
    else:
        yield from through(node.then)


def dies():
    exec(compile("def made(leaf):\n    leaf()\n", "<dies>", "exec"), globals())
    made(leaf)


def way(rng, length, every, acts):
    node = Node(None, leaf)
    for i in range(length):
        node = Node(node, rng.choice(acts) if rng.random() < every else None)
    return node


def branch(long, short):
    """Two ways of the same frames, from two lines."""
    def act():
        down(long)
        down(long); down(short)
        down(short)
        down(long)
    return act


def generators(node):
    def act():
        for _ in through(node):
            leaf()
        for _ in through(node): leaf()
    return act


def traced():
    def tracer(frame, event, argument):
        if event == "line" and frame.f_code is jumps.__code__ and frame.f_lineno == jumps.__code__.co_firstlineno + 2:
            frame.f_lineno += 1
            leaf()
        return tracer

    def jumps():
        len("")
        len("")
        leaf()
    old = sys.gettrace()
    sys.settrace(tracer)
    jumps()
    sys.settrace(old)


def run(rng):
    plain = [leaf, leaf, dies, traced]
    short = [way(rng, rng.randrange(10, 900), 0.002, plain) for _ in range(6)]
    branches = [branch(rng.choice(short), rng.choice(short)) for _ in range(4)] + [generators(way(rng, rng.randrange(2, 40), 0, plain)) for _ in range(2)]
    long, other = (way(rng, rng.randrange(depth // 2, depth), 4 / depth, plain + branches) for _ in range(2))
    down(Node(long, branch(other, rng.choice(short))))


def many(rng):
    while len(blocks) < wanted:
        run(rng)


if __name__ == "__main__":
    rng = random.Random(seed)
    threading.stack_size(512 << 20)
    threads = [threading.Thread(target=many, args=(random.Random(rng.random()),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open(output, "w") as file:
        for _, told_of in blocks:
            print(json.dumps(told_of), file=file)

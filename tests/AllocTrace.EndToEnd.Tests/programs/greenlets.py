"""Allocates blocks of sizes that nothing else has while C stacks are switched, and writes what sys._getframe says of each.

usage: greenlets.py greenlet|gevent SEED OUTPUT      one JSON line a block: [size, [[file, line, function], ...]], frames oldest first
"""
import json
import random
import sys

kind, rng, output = sys.argv[1], random.Random(int(sys.argv[2])), sys.argv[3]
HEADER = sys.getsizeof(b"")
qualified = sys.version_info >= (3, 11)
blocks, sizes = [], iter(range(1_000_003, 100_000_000, 64))


def told(block):
    frames, frame = [], sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        frames.append([code.co_filename, frame.f_lineno, code.co_qualname if qualified else code.co_name])
        frame = frame.f_back
    blocks.append([len(block) + HEADER, frames[::-1]])


def generated(n, switch):
    for _ in range(n):
        told(bytes(next(sizes)))
        switch()
        yield told(bytes(next(sizes)))


def deep(n, switch):
    told(bytes(next(sizes)))
    if n % 4 == 1:
        switch()
    if n:
        deep(n - 1, switch)
    else:
        for _ in generated(3, switch):
            told(bytes(next(sizes)))
    told(bytes(next(sizes)))


if kind == "greenlet":
    import greenlet

    def switch():
        alive = [other for other in greenlets if not other.dead and other is not greenlet.getcurrent()]
        if alive:
            rng.choice(alive).switch()

    def run():
        for _ in range(4):
            deep(rng.randrange(12), switch)

    greenlets = [greenlet.greenlet(run) for _ in range(12)]
    while any(not other.dead for other in greenlets):
        switch()
        deep(3, switch)
else:
    import gevent

    def run():
        for _ in range(4):
            deep(rng.randrange(12), lambda: gevent.sleep(0))

    gevent.joinall([gevent.spawn(run) for _ in range(12)])
with open(output, "w") as file:
    file.writelines(json.dumps(block) + "\n" for block in blocks)

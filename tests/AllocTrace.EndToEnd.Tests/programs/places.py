"""Allocates blocks of thousands of bytes in every kind of frame; some are kept. The figures do not depend on free lists, hashes or time."""
import threading

kept = []


def recursive(depth):
    if depth:
        recursive(depth - 1)
    kept.append(bytes(1000 + depth))


def generator():
    for size in range(2000, 2100):
        yield bytes(size)


async def coroutine():
    return bytearray(50_000)


class Kind:
    data = bytes(30_000)

    def __init__(self):
        self.data = bytes(40_000)

    def __del__(self):
        bytes(45_000)


def raises():
    block = bytes(60_000)
    raise ValueError(block)


recursive(100)
kept.extend(generator())
kept.append([bytes(3000) for _ in range(50)])
kept.append({n: bytes(4000) for n in range(50)})
kept.extend(map(lambda n: bytes(5000 + n), range(50)))
try:
    coroutine().send(None)
except StopIteration as end:
    kept.append(end.value)
for _ in range(5):
    Kind()
    try:
        raises()
    except ValueError as error:
        kept.append(error.args[0])
thread = threading.Thread(target=lambda: kept.append(bytes(70_000)))
thread.start()
thread.join()

"""Coroutines that wait for coroutines, driven by hand."""


class Pause:
    def __await__(self):
        yield [None]


async def step(depth):
    if depth == 0:
        await Pause()
        return (depth,)
    return (depth, await step(depth - 1))


for _ in range(450000):
    chain = step(20)
    try:
        while True:
            chain.send(None)
    except StopIteration:
        pass

"""Tasks, queues and timers of asyncio."""
import asyncio


async def produce(queue, items):
    for i in range(items):
        await queue.put({"number": i, "text": f"item {i}"})
    await queue.put(None)


async def consume(queue):
    while (await queue.get()) is not None:
        await asyncio.sleep(0)


async def main():
    for _ in range(260):
        queues = [asyncio.Queue(maxsize=8) for _ in range(10)]
        await asyncio.gather(*(produce(q, 100) for q in queues), *(consume(q) for q in queues))


asyncio.run(main())

"""tracemalloc started and stopped above the hook."""
import sys
import tracemalloc

running = tracemalloc.is_tracing()  # already, below: PYTHONTRACEMALLOC, -X tracemalloc
kept = []


def work():
    for i in range(4000):
        kept.append(["%d" % i] * (i % 40))
        if i % 3 == 0:
            kept.pop()


for turn in range(3):
    work()
    if tracemalloc.is_tracing():
        tracemalloc.stop()
    work()
    tracemalloc.start(1 + 4 * turn)
    work()
    current, peak = tracemalloc.get_traced_memory()
    assert 0 < current <= peak
    del kept[::2]
tracemalloc.take_snapshot().statistics("lineno")
if not running:
    tracemalloc.stop()
work()

"""Does the same work for each line "step" that it reads, and always the same in all; ends with its input."""
import sys

kept = []


def work(n):
    old = []
    for i in range(n):
        block = bytearray(100 + i % 50)
        if i % 10 == 0:
            kept.append(block)
        elif i % 3 == 0:
            old.append(block)
    old.clear()
    del kept[: len(kept) // 4]


print("ready", flush=True)
for line in sys.stdin:
    work(int(line))
    print("done", flush=True)

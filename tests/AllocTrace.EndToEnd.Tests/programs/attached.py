"""Runs until told: "work" keeps 300 blocks of 5000 bytes, "end" ends. Says after each what it holds."""
import select
import sys

kept = []


def keep(n, size):
    result = [None] * n
    for i in range(n):
        # the only allocation of the line below is the block itself
        result[i] = b"x" * size
    return result


print("ready", flush=True)
while True:
    if not select.select([sys.stdin], [], [], 0.01)[0]:
        continue
    word = sys.stdin.readline().strip()
    if word != "work":
        break
    kept.append(keep(300, 5000))
    print(sum(map(len, kept)), flush=True)
print("ended with", sum(len(block) for blocks in kept for block in blocks))

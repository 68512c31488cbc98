"""Allocates on far more distinct stacks than a small session has room for."""
import random


def go(bits, depth):
    if depth == 0:
        return bytearray(100)
    if bits & 1:
        return go(bits >> 1, depth - 1)
    return go(bits >> 1, depth - 1)


numbers = random.Random(1)
for _ in range(20_000):
    go(numbers.getrandbits(30), 30)

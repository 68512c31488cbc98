"""Arithmetic that allocates next to nothing: what the tracer costs where it has nothing to do."""


def sieve(limit):
    flags = bytearray([1]) * limit
    for i in range(2, int(limit**0.5) + 1):
        if flags[i]:
            flags[i * i :: i] = bytes(len(range(i * i, limit, i)))
    return sum(flags)


total = 0
for i in range(2):
    sieve(1_000_000)
    for n in range(10_000_000):
        total ^= n & 127

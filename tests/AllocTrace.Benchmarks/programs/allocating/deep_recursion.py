"""Sixty frames down, and allocating on the way up and down."""


def descend(depth, value):
    if not depth:
        return [value]
    found = descend(depth - 1, (value, depth))
    return [found[0], depth]


for i in range(280000):
    descend(60, i)

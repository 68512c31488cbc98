"""A recursion with two calls: many stacks that differ in one line."""


def split(items):
    if len(items) < 2:
        return items
    middle = len(items) // 2
    left = split(items[:middle])
    right = split(items[middle:])
    return left + right


ITEMS = list(range(4096))
for _ in range(1300):
    split(ITEMS)

"""A deterministic program whose objects of many kinds live to the end, made on lines that also make what does not. Lines that say so make objects that come from free lists (to 3.10: frames)."""
import collections
import sys


class Point:  # free list
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = bytes(x)
        self.y = "y" * y


class Node:  # free list
    def __init__(self, depth):
        self.name = "node %d" % depth  # frame
        self.children = [Node(depth - 1), Node(depth - 1)] if depth else None  # frame


def grow(n):
    data = bytearray()
    for i in range(n):
        data += b"0123456789"
    return data


def nested(n):
    return nested(n - 1) + "." if n else "leaf"  # frame


def generate(n):
    for i in range(n):
        yield "generated %d" % i


points = [Point(i, i) for i in range(300)]  # free list
tree = Node(8)  # frame
grown = [grow(n) for n in (1, 10, 100, 1000)]  # frame
names = {"key %d" % i: "value %d" % i for i in range(1000)}  # free list
numbers = {2**70 + i for i in range(500)}  # frame
queue = collections.deque("item %d" % i for i in range(1000))  # frame
texts = [nested(n) for n in range(60)]  # frame
made = list(generate(700))
table = [["cell %d %d" % (row, column) for column in range(20)] for row in range(50)]
shrunk = bytearray(100000)
del shrunk[1000:]
frozen = frozenset("member %d" % i for i in range(333))
unicode = ["é" * i for i in range(50)] + ["€" * i for i in range(50)] + ["🐍" * i for i in range(50)]  # free list
temporary = sum(len("temporary %d" % i) for i in range(10000))
try:
    huge = b"x" * (1 << 60)
except MemoryError:
    huge = "refused"
scope = {}  # free list
exec(compile("def f(n):\n    return ['exec %d' % i for i in range(n)]\nkept = f(100)\n", __file__ + ".exec", "exec"), scope)  # free list

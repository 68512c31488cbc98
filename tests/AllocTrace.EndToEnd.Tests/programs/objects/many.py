"""Many objects of one shape (SHAPE): rows of a dict, the entries of one dict, or a linked list."""
import gc
import os

import witness

N = int(os.environ.get("N", "200000"))
gc.disable()


class Row:
    def __init__(self, i):
        self.id = i + 1000
        self.name = "row %d" % i
        self.score = i * 0.5
        self.tags = [i]


class Node:
    __slots__ = ("next", "value")


shape = os.environ.get("SHAPE", "rows")
if shape == "rows":
    rows = {i: Row(i) for i in range(N // 5)}
elif shape == "dict":
    entries = {i: None for i in range(N)}
else:
    head = None
    for i in range(N):
        node = Node()
        node.next = head
        node.value = i
        head = node
    del node
witness.ready()
os._exit(0)

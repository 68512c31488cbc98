"""The garbage collector runs at nearly every allocation of a container, and with it finalizers, in the middle of allocator calls."""
import gc
import weakref

gc.set_threshold(1, 1, 1)
finalized = []


class Ring:
    def __init__(self, n):
        self.name, self.ring = "ring %d" % n, self
        self.watched = weakref.ref(self, lambda _: finalized.append("gone %d" % n))

    def __del__(self):
        finalized.append([self.name, {"made": "in __del__"}])


def generate(n):
    for i in range(n):
        yield [Ring(i), (i, {i: [i]})]


for turn in range(3):
    for rings in generate(700):
        pass
    del finalized[::2]
assert len(finalized) > 200, len(finalized)

"""Functions that live for one call, their code objects at each other's addresses. Each keeps a block that tells its number."""
kept, addresses = [], set()
for i in range(2000):
    scope = {}
    exec("def made_%d(kept):\n    kept.append(bytearray(%d))\n" % (i, 100_000 + i), scope)
    addresses.add(id(scope["made_%d" % i].__code__))
    scope["made_%d" % i](kept)
assert len(addresses) < 1600, len(addresses)

"""Functions that live for one call, their code objects at each other's addresses. Each makes a block, in domain mem, that tells its number."""
addresses = set()
for i in range(1000):
    scope = {}
    exec("def made_%d():\n    [None] * %d\n" % (i, (100_000 + 4096 * i) // 8), scope)
    addresses.add(id(scope["made_%d" % i].__code__))
    scope["made_%d" % i]()
assert len(addresses) < 950, len(addresses)

"""Writes code objects' line tables and, beside each, the lines that CPython itself gives to every code unit."""
import dis
import glob
import os
import random
import sys

SOURCES = [
    "def f(a,\n      b):\n    return [x +\n            y for x in a\n            for y in b if x\n            < y]\n",
    "def g():\n    try:\n        yield 1\n    except (ValueError,\n            TypeError) as e:\n        raise\n    finally:\n        print()\n",
    "async def h():\n    async with a as b:\n        async for c in d:\n            await e\n    return {k: v async for k, v in z}\n",
    "class A(B,\n        metaclass=C):\n    x: int = 1\n    @d(\n      1)\n    def m(self): return super().m()\n",
    "x = 1\n" + "\n" * 300 + "y = 2\nz = (\n" + "\n" * 200 + "3)\n",
    "with a:\n    pass\nwhile True:\n    if x: continue\n    else: break\n",
    "lambda: (yield)\n",
]


def random_source(rng):
    lines, indent = [], 0
    for _ in range(rng.randrange(1, 60)):
        pad = "    " * indent
        kind = rng.randrange(6)
        if kind == 0 and indent < 8:
            lines.append(pad + rng.choice(["if a:", "while b:", "for c in d:", "def f(a, b=1):", "class K:", "with e as f:", "try:"]))
            if lines[-1].endswith("try:"):
                lines += [pad + "    x()", pad + "finally:"]
            indent += 1
        elif kind == 1 and indent:
            lines.append(pad + "pass")
            indent -= 1
        elif kind == 2:
            lines += [pad + "g(1," + "\n" * rng.randrange(0, 150), pad + "  h(2), *i, **j)"]
        elif kind == 3:
            lines += [""] * rng.randrange(1, 200)
        else:
            lines.append(pad + rng.choice(["x = y + z", "p[q].r(s, t=u)", "v = [w for w in x if w]", "print(f'{a}{b}')"]))
    lines.append("    " * indent + "pass")
    return "\n".join(lines) + "\n"


def codes(code):
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from codes(constant)


def lines_of(code):
    """The line of each code unit, 0 where there is none."""
    units = len(code.co_code) // 2
    lines = [0] * units
    if hasattr(code, "co_lines"):
        for start, end, line in code.co_lines():
            for unit in range(start // 2, min(end // 2, units)):
                lines[unit] = line or 0
    else:
        line, starts = code.co_firstlineno, dict(dis.findlinestarts(code))
        for unit in range(units):
            line = lines[unit] = starts.get(2 * unit, line)
    return lines


def main():
    rng = random.Random(int(sys.argv[1]))
    version = 0 if sys.version_info < (3, 10) else 1 if sys.version_info < (3, 11) else 2
    sources = list(SOURCES) + [random_source(rng) for _ in range(150)]
    for path in rng.sample(sorted(glob.glob(os.path.join(os.path.dirname(os.__file__), "*.py"))), 25):
        with open(path, encoding="utf-8", errors="replace") as file:
            sources.append(file.read())
    for source in sources:
        for code in codes(compile(source, "<test>", "exec", dont_inherit=True)):
            table = code.co_lnotab if version == 0 else code.co_linetable
            print(version, code.co_firstlineno, len(code.co_code) // 2, table.hex() or "-")
            print(*lines_of(code))


main()

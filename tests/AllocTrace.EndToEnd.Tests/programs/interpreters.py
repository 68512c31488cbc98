"""Allocates blocks of sizes that nothing else has in the main interpreter and in sub-interpreters, and writes what sys._getframe says of each.

usage: interpreters.py LIBRARY in_turns|shared|own|foreign OUTPUT
LIBRARY is native/threads.c's. Each interpreter writes OUTPUT-NUMBER, one JSON line a block: [size, number, [[file, line, function], ...]],
frames oldest first.

in_turns  one thread changes between interpreters, at several depths, also from one sub-interpreter into another
shared    threads with an interpreter each, which share the GIL
own       the same, each with a GIL of its own (3.12 and later)
foreign   threads of the host that make interpreters by the C API
"""
import ctypes
import sys
import threading

library, kind, output = sys.argv[1:4]

CODE = '''
import json, sys
try:
    import _interpreters
    number = _interpreters.get_current()[0]
except ImportError:
    import _xxsubinterpreters as _interpreters
    number = int(_interpreters.get_current())
HEADER = sys.getsizeof(b"")
qualified = sys.version_info >= (3, 11)
sizes = iter(range(1_000_003 + number * 1_000_000, 2_000_000 + number * 1_000_000, 64))
blocks = []

def told(block):
    frames, frame = [], sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        frames.append([code.co_filename, frame.f_lineno, code.co_qualname if qualified else code.co_name])
        frame = frame.f_back
    blocks.append([len(block) + HEADER, number, frames[::-1]])

def generated(n):
    for i in range(n):
        told(bytes(next(sizes)))
        yield i

def deep(n, then=None):
    told(bytes(next(sizes)))
    if n:
        deep(n - 1, then)
    elif then:
        then()
    told(bytes(next(sizes)))

def work(rounds):
    for i in range(rounds):
        deep(i % 7)
        for _ in generated(3):
            told(bytes(next(sizes)))
        list(map(lambda n: told(bytes(next(sizes))), range(2)))

def write():
    with open({output!r} + "-%d" % number, "w") as file:
        file.writelines(json.dumps(block) + "\\n" for block in blocks)
'''.replace("{output!r}", repr(output))

exec(CODE)


def create(own_gil=False):
    if sys.version_info >= (3, 13):
        return _interpreters.create("isolated" if own_gil else "legacy")
    return _interpreters.create(isolated=own_gil) if sys.version_info >= (3, 10) else _interpreters.create()


def run(interpreter, code):
    failed = _interpreters.run_string(interpreter, code)
    assert failed is None, failed


if kind == "in_turns":
    one, other = create(), create()
    for interpreter in (one, other):
        run(interpreter, CODE)
    for i in range(30):
        deep(i % 5, lambda: run(one, "work(%d)" % (i % 3)))
        run(one, "deep(%d, lambda: _interpreters.run_string(%d, 'deep(3); work(1)'))" % (i % 4, other))
        work(1)
    for interpreter in (one, other):
        run(interpreter, "write()")
        _interpreters.destroy(interpreter)
elif kind == "foreign":
    code = CODE + "work(20)\nwrite()\n"
    failed = ctypes.CDLL(library).run_in_new_interpreters(5, code.encode())  # not PyDLL: it lets go of the GIL
    assert failed == 0, failed
    work(5)
else:
    made = [create(own_gil=kind == "own") for _ in range(4)]
    threads = [threading.Thread(target=run, args=(interpreter, CODE + "work(40)\nwrite()\n")) for interpreter in made]
    [thread.start() for thread in threads]
    work(20)
    [thread.join() for thread in threads]
    [_interpreters.destroy(interpreter) for interpreter in made]
write()

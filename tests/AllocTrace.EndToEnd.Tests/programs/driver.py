"""Runs a program, under tracemalloc or not, and writes what tracemalloc says is alive for each of its lines when the interpreter exits.

usage: driver.py tracemalloc|plain PROGRAM OUTPUT
"""
import atexit
import json
import sys
import tracemalloc

mode, program, output = sys.argv[1:4]


def empty_free_lists():
    """Objects that CPython keeps for reuse are taken out and held: what the program makes from here on comes from the allocator. (A block that
    comes from a free list keeps, in an allocator hook, the stack of its first maker; tracemalloc gives it to the new one.)"""
    held = []
    for _ in range(500):
        held.append([])
        held.append({})
        held.append({"key": 1})
        held.append(float(len(held)))
        held.append(slice(1, 2))
        held.append(range(5, 9))
        held.append(iter([]))
        held.append(iter(()))
        held.append(complex(1, len(held)))
        held.append(held.append)
        held.append(1000 + len(held))
    for size in range(1, 20):
        held.extend(tuple(range(size)) + (object(),) for _ in range(2100))
    return held


def write_snapshot():
    snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, program)])
    lines = {str(s.traceback[0].lineno): [s.size, s.count] for s in snapshot.statistics("lineno")}
    with open(output, "w") as file:
        json.dump(lines, file)


with open(program) as file:
    code = compile(file.read(), program, "exec")
namespace = {"__name__": "__main__", "__file__": program}
if mode == "tracemalloc":
    atexit.register(write_snapshot)
held = empty_free_lists()
if mode == "tracemalloc":
    tracemalloc.start()
exec(code, namespace)

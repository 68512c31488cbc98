"""repeat.py TIMES PROGRAM: runs a program several times in one process, so that starting counts less."""
import sys


def repeat(times, program):
    with open(program, encoding="utf-8") as source:
        code = compile(source.read(), program, "exec")
    for _ in range(times):
        exec(code, globals())


repeat(int(sys.argv[1]), sys.argv[2])

"""repeat.py TIMES PROGRAM: runs a program several times in one process, so that starting counts less."""
import sys

times, program = int(sys.argv[1]), sys.argv[2]
with open(program, encoding="utf-8") as source:
    code = compile(source.read(), program, "exec")
for _ in range(times):
    exec(code, {"__name__": "__main__"})

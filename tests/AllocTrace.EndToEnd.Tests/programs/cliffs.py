"""What would take minutes if it took the square of a program's stack or code. usage: cliffs.py recursion|beyond|module|functions"""
import sys
import types


def recursion(depth):
    sys.setrecursionlimit(depth + 1000)

    def down(n, kept):
        kept = [n]
        return down(n - 1, kept) if n else 0
    down(depth, None)


def module(statements):
    exec(compile("".join("x%d = [%d]\n" % (i % 7, i) for i in range(statements)), "big.py", "exec"), {})


def functions(count):
    scope = {}
    exec("def f(a):\n" + "    x = [a, 0]\n" * 1000, scope)
    for number in range(count):
        function = types.FunctionType(scope["f"].__code__.replace(co_filename="many%d.py" % number), scope)
        function(1)
    for i in range(1000):
        function(i)


{"recursion": lambda: recursion(100_000), "beyond": lambda: recursion(300_000), "module": lambda: module(60_000), "functions": lambda: functions(1200)}[sys.argv[1]]()

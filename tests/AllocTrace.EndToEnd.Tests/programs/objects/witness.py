"""What a program knows of its own objects. What would change the program runs in a forked child."""
import ctypes
import gc
import os
import sys


def _census(path):
    """Every object that can be reached from gc.get_objects() by gc.get_referents: its address and its type's, and what it refers to."""
    start = gc.get_objects()
    mine = {id(start), id(sys._getframe())}
    seen, todo = {}, []
    mine |= {id(seen), id(todo), id(mine)}
    for o in start:
        if id(o) not in mine and id(o) not in seen:
            seen[id(o)] = o
            todo.append(o)
    del start, o
    qualname, module = type.__dict__["__qualname__"].__get__, type.__dict__["__module__"].__get__
    out = open(path, "w", 1 << 20)
    mine.add(id(out))
    while todo:
        o = todo.pop()
        refs = gc.get_referents(o)
        ids = []
        mine.add(id(ids))
        for r in refs:
            ids.append(id(r))
            if id(r) not in seen and id(r) not in mine:
                seen[id(r)] = r
                todo.append(r)
        t = type(o)
        m = module(t)
        name = "%s.%s" % (m if isinstance(m, str) else "?", qualname(t))
        out.write("%d %d %s %s\n" % (id(o), id(t), name.replace(" ", "_"), " ".join(map(str, ids))))
    out.close()


def _garbage(path):
    """The containers that the collector itself calls unreachable."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    with open(path, "w") as out:
        for o in gc.garbage:
            out.write("%d\n" % id(o))


def _in_child(what, path):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            what(path)
            code = 0
        finally:
            os._exit(code)
    if os.waitpid(pid, 0)[1]:
        raise SystemExit("%s failed" % what.__name__)


def ready():
    """Writes what is asked for, says READY, and waits for a line."""
    if os.environ.get("CENSUS"):
        _in_child(_census, os.environ["CENSUS"])
    if os.environ.get("GARBAGE"):
        _in_child(_garbage, os.environ["GARBAGE"])
    os.write(1, b"READY\n")
    os.read(0, 1)


def trace_objects():
    """From 3.13 on, logs every object that is created or destroyed from now on."""
    if sys.version_info >= (3, 13) and os.environ.get("OBJECT_LIBRARY"):
        ctypes.pythonapi.PyRefTracer_SetTracer(ctypes.CDLL(os.environ["OBJECT_LIBRARY"]).object_log_trace, None)

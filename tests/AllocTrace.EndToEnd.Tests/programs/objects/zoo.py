"""Some hundreds of each kind of object that CPython has."""
import gc, os, sys
import witness

witness.trace_objects()
import array, asyncio, collections, contextvars, dataclasses, datetime, decimal, enum, fractions, functools, io, itertools, json, re, threading, types, typing, weakref, random
K = int(os.environ.get("K", "300"))
class Plain:
    def __init__(self, i): self.a = i + 1000; self.b = str(i); self.c = [i + 5000]
class Slots:
    __slots__ = ("x", "y")
    def __init__(self, i): self.x = float(i); self.y = (i, str(i))
class SlotsDict(Slots):
    __slots__ = ("z", "__dict__", "__weakref__")
@dataclasses.dataclass
class Data:
    name: str
    n: int
    tags: list = dataclasses.field(default_factory=list)
NT = collections.namedtuple("NT", "p q r")
class Color(enum.Enum):
    RED = 1; GREEN = 2
class Meta(type): pass
class WithMeta(metaclass=Meta): v = 3
class MyList(list): pass
class MyDict(dict): pass
class MyStr(str): pass
class MyInt(int): pass
class MyExc(Exception):
    def __init__(self, *a): super().__init__(*a); self.extra = list(a)
class Dyn: pass
def gen(n):
    x = ["local", n]; yield x; yield n
async def coro(n):
    y = {"k": n}; await asyncio.sleep(0); return y
def closure(n):
    v = [n]; return lambda: v
def fail(n):
    q = "in fail %d" % n; raise MyExc(n, q)
keep = {}
keep["plain"] = [Plain(i) for i in range(K)]
keep["slots"] = [Slots(i) for i in range(K)]
keep["slotsdict"] = [SlotsDict(i) for i in range(K)]
for s in keep["slotsdict"]: s.extra = object(); s.z = 1.5
keep["data"] = [Data("n%d" % i, i * 1000, ["t%d" % i]) for i in range(K)]
keep["nt"] = [NT(i, str(i), float(i)) for i in range(K)]
keep["enum"] = [Color.RED, Color.GREEN] * K
keep["meta"] = [WithMeta() for i in range(K)]
keep["mylist"] = [MyList(range(i % 20)) for i in range(K)]
keep["mydict"] = [MyDict(a=i, b=str(i)) for i in range(K)]
keep["mystr"] = [MyStr("s%d" % i) for i in range(K)]
keep["myint"] = [MyInt(i) for i in range(K)]
keep["str"] = ["plain string %d" % i for i in range(K)] + ["\u00e9\u20ac %d" % i for i in range(K)] + ["\U0001f600%d" % i for i in range(K)]
keep["bytes"] = [b"bytes %d" % i for i in range(K)]
keep["bytearray"] = [bytearray(i * 7) for i in range(K)]
keep["int"] = [i * 10 ** 9 for i in range(K)] + [1 << (i * 3) for i in range(K)]
keep["float"] = [i * 1.1 for i in range(K)]
keep["complex"] = [complex(i, 1) for i in range(K)]
keep["list"] = [[i] * (i % 50) for i in range(K)]
keep["tuple"] = [(i, str(i)) + (0,) * (i % 30) for i in range(K)]
keep["dict"] = [{("k%d" % j): j for j in range(i % 40)} for i in range(K)]
keep["dict_int"] = [{j: str(j) for j in range(i % 40)} for i in range(K)]
keep["set"] = [set(range(i % 60)) for i in range(K)]
keep["frozenset"] = [frozenset(map(str, range(i % 30))) for i in range(K)]
keep["deque"] = [collections.deque(range(i % 200)) for i in range(K)]
keep["odict"] = [collections.OrderedDict((j, str(j)) for j in range(i % 20)) for i in range(K)]
keep["ddict"] = [collections.defaultdict(list, {1: [i]}) for i in range(K)]
keep["counter"] = [collections.Counter("abcabc%d" % i) for i in range(K)]
keep["array"] = [array.array("d", range(i % 50)) for i in range(K)]
keep["dyn"] = []
for i in range(K):
    d = Dyn(); setattr(d, "attr_%d" % (i % 70), [i]); d.__dict__ if i % 3 == 0 else None; keep["dyn"].append(d)
keep["gen"] = [gen(i) for i in range(K)]
for g in keep["gen"][::2]: next(g)
keep["coro"] = [coro(i) for i in range(K)]
for c in keep["coro"][::2]: c.send(None)
keep["closure"] = [closure(i) for i in range(K)]
keep["partial"] = [functools.partial(closure, i) for i in range(K)]
keep["method"] = [p.__init__ for p in keep["plain"]]
keep["builtin_method"] = [p.append for p in keep["list"]]
keep["exc"] = []
for i in range(K):
    try: fail(i)
    except MyExc as e: keep["exc"].append(e)
keep["regex"] = [re.compile("a%d(b|c)+" % i) for i in range(K)]
keep["match"] = [re.match("(a)(%d)" % i, "a%d" % i) for i in range(K)]
keep["module"] = [types.ModuleType("m%d" % i) for i in range(K)]
keep["class"] = [type("C%d" % i, (Plain,), {"attr": i, "f": lambda self: 1}) for i in range(K // 3)]
keep["class_inst"] = [c(1) for c in keep["class"]]
keep["ns"] = [types.SimpleNamespace(a=i) for i in range(K)]
keep["weakref"] = [weakref.ref(p) for p in keep["plain"]]
keep["wvd"] = weakref.WeakValueDictionary((i, p) for i, p in enumerate(keep["plain"]))
keep["lru"] = functools.lru_cache(None)(lambda x: [x])
for i in range(K): keep["lru"](i + 7000)
keep["datetime"] = [datetime.datetime(2020, 1, 1 + i % 28) for i in range(K)]
keep["decimal"] = [decimal.Decimal("1.%d" % i) for i in range(K)]
keep["fraction"] = [fractions.Fraction(i, 7) for i in range(K)]
keep["iter"] = [iter(x) for x in keep["list"]] + [iter(x) for x in keep["dict"]] + [zip([1], [i]) for i in range(K)] + [enumerate([i]) for i in range(K)] + [itertools.chain([i]) for i in range(K)]
keep["slice"] = [slice(i, i + 1000) for i in range(K)]
keep["range"] = [range(i, i + 100000) for i in range(K)]
keep["memoryview"] = [memoryview(b) for b in keep["bytes"]]
keep["io"] = [io.BytesIO(b"x" * i) for i in range(K)] + [io.StringIO("y" * i) for i in range(K)]
keep["lock"] = [threading.Lock() for i in range(K)] + [threading.RLock() for i in range(K)]
keep["ctxvar"] = [contextvars.ContextVar("v%d" % i) for i in range(K)]
keep["ctx"] = [contextvars.copy_context() for i in range(K)]
keep["random"] = [random.Random(i) for i in range(K // 10)]
keep["json"] = json.loads(json.dumps([{"id": i, "v": [1.5, None, "x%d" % i]} for i in range(K)]))
keep["cycles"] = []
for i in range(K):
    a = Plain(i); a.me = a; b = []; b.append(b)
    if i % 2: keep["cycles"].append((a, b))
if os.environ.get("NUMPY"):
    import numpy as np
    keep["np"] = [np.arange(i * 3) for i in range(K)]; keep["npobj"] = [np.array([object(), [i], "s"], dtype=object) for i in range(K)]
    keep["npview"] = [a[1:] for a in keep["np"]]; keep["npscalar"] = [np.float64(i) for i in range(K)]; keep["npstruct"] = np.zeros(K, dtype=[("a", "i4"), ("b", "f8")])
if os.environ.get("PANDAS"):
    import pandas as pd
    keep["pd"] = [pd.DataFrame({"a": range(20), "b": list("abcdefghijklmnopqrst")}) for i in range(K // 10)]; keep["series"] = [pd.Series(range(i)) for i in range(K // 10)]
del i, a, b, d, g, c, s
gc.disable()
witness.ready()

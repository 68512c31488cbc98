"""Compares callstack.h with what the interpreter says of itself, and prints what was different; nothing is good.

usage: callstack.py LIBRARY PROBE same                every kind of frame: sys._getframe, faulthandler.dump_traceback
       callstack.py LIBRARY PROBE hook OUTPUT PROGRAM ARGUMENT...   runs a program with an allocator hook that writes stacks
       callstack.py LIBRARY PROBE interrupted COUNT   a timer signal at random moments; faulthandler answers the same signal
       callstack.py LIBRARY PROBE freed               a code object that is gone, a chain that bites its tail (PYTHONMALLOC=debug)
       callstack.py LIBRARY PROBE threads             without a state, without frames, without the GIL
       callstack.py LIBRARY PROBE finalizing          while the interpreter goes down
       callstack.py LIBRARY PROBE interpreters        in a sub-interpreter

LIBRARY is liballoctrace.so, PROBE the library of native/callstack_probe.c.
"""
import asyncio
import ctypes
import faulthandler
import gc
import os
import re
import runpy
import signal
import sys
import tempfile
import threading
import time

library, probe, what, *rest = sys.argv[1:]
api, probe = ctypes.PyDLL(library), ctypes.PyDLL(probe)
pointer = ctypes.c_void_p
probe.probe_open.restype = ctypes.c_char_p
probe.probe_state.restype = pointer
api.alloctrace_python_find.restype = pointer
api.alloctrace_stack_print.argtypes = [pointer, pointer, ctypes.c_int]
api.alloctrace_stacks_print.argtypes = [pointer, ctypes.c_int]
failure = probe.probe_open(library.encode())
if failure:
    sys.exit(failure.decode())
python = api.alloctrace_python_find(0, None)
qualified = sys.version_info >= (3, 11)


def scratch():
    descriptor, path = tempfile.mkstemp()
    os.unlink(path)
    return descriptor


theirs, ours = scratch(), scratch()


class Frame(ctypes.Structure):
    _fields_ = [("line", ctypes.c_int32), ("flags", ctypes.c_uint32), ("filename", ctypes.c_char * 256), ("name", ctypes.c_char * 128)]


class Stack(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("count", "depth", "visited", "endless")]


api.alloctrace_stack_collect.argtypes = [pointer, pointer, ctypes.POINTER(Frame), ctypes.c_uint32, ctypes.POINTER(Stack)]
compared = differences = 0


def read(descriptor):
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = b""
    while True:
        part = os.read(descriptor, 1 << 20)
        if not part:
            break
        text += part
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.ftruncate(descriptor, 0)
    return text


def differ(expected, got):
    global differences
    differences += 1
    if differences <= 3:
        print("expected", expected, "got", got, sep="\n")


def cut(text, size):
    """What fits of a text in a C array of so many bytes."""
    encoded = text.encode("utf-8", "surrogatepass")
    while len(encoded) >= size:
        text = text[:-1]
        encoded = text.encode("utf-8", "surrogatepass")
    return encoded


def check():
    """Prints, and collects, where it is called from."""
    global compared
    compared += 1
    for every_thread in (False, True):
        # Both calls are on this line.
        (faulthandler.dump_traceback(theirs, every_thread), api.alloctrace_stacks_print(python, ours) if every_thread else api.alloctrace_stack_print(python, probe.probe_state(), ours))
        expected, got = read(theirs), read(ours)
        if expected != got:
            differ(expected.decode(), got.decode())
    frames, stack = (Frame * 300)(), Stack()
    _, frame, line = api.alloctrace_stack_collect(python, probe.probe_state(), frames, 300, ctypes.byref(stack)), sys._getframe(), sys._getframe().f_lineno
    expected = []
    while frame is not None:
        code = frame.f_code
        filename, name = code.co_filename, code.co_qualname if qualified else code.co_name
        kept = cut(filename, 256), cut(name, 128)
        flags = (kept[0] != filename.encode("utf-8", "surrogatepass")) + 2 * (kept[1] != name.encode("utf-8", "surrogatepass"))
        expected.append((kept[0], line, kept[1], flags))
        frame = frame.f_back
        line = frame and frame.f_lineno
    got = [(frame.filename, frame.line, frame.name, frame.flags) for frame in frames[:stack.count]]
    if expected[:300] != got or stack.depth != len(expected) or stack.endless or stack.visited < stack.depth:
        differ(expected[:5], (got[:5], stack.depth, len(expected)))


class Made:
    def __init__(self, depth=0):
        check()
        if depth:
            self.inner = Made(depth - 1)


class Dropped:
    def __del__(self):
        check()


class Computed:
    @property
    def value(self):
        return check()

    def __getattr__(self, name):
        return check()


def recursive(depth):
    if depth:
        recursive(depth - 1)
    else:
        check()


def through_c(depth):
    if depth:
        list(map(through_c, [depth - 1]))
    else:
        check()


def generator(depth):
    if depth:
        yield from generator(depth - 1)
    yield check()
    check()


def with_cells():
    value = 1

    def inner():
        return value, check()
    return inner()


async def coroutine(depth):
    check()
    await asyncio.sleep(0)
    if depth:
        await coroutine(depth - 1)
    async for _ in asynchronous():
        check()


async def asynchronous():
    check()
    yield 1
    await asyncio.sleep(0)
    check()
    yield 2


def kinds(rounds=3):
    for _ in range(rounds):
        for depth in range(5):
            Made(depth)
        list(generator(3))
        dropped = Dropped()
        del dropped
        Computed().value
        Computed().other
        [check() for _ in range(2)]
        {1: check() for _ in range(2)}
        list(check() for _ in range(2))
        sorted([2, 1], key=lambda _: len([check()]))
        with_cells()
        try:
            raise KeyError
        except KeyError:
            check()
        asyncio.run(coroutine(2))
    for depth in (0, 90, 94, 95, 96, 97, 98, 99, 100, 101, 150):
        recursive(depth)
    for depth in range(40, 60):
        through_c(depth)
    for filename in ("plain", "a\u20ac\U0001f40d\udc80\xe9\x01" + "b" * 494, "a\u20ac\U0001f40d\udc80\xe9\x01" + "b" * 495):
        exec(compile("check()", filename, "exec"), {"check": check})
    for name in ("f\xe9", "\u0444\u0443\u043d\u043a", "\U00020000", "f" * 499, "f" * 500, "f" * 501):
        scope = {"check": check}
        exec(compile(f"def {name}():\n  check()\n{name}()", "names", "exec"), scope)
    started, done = threading.Event(), threading.Event()

    def wait():
        started.set()
        done.wait()
    other = threading.Thread(target=wait, name="n\xe4me" + "x" * 30)
    other.start()
    started.wait()
    while not faulthandler_sees(b" in wait"):
        time.sleep(0.01)
    check()
    dropped = Dropped()
    dropped.itself = dropped
    del dropped
    gc.collect()
    done.set()
    other.join()


def faulthandler_sees(text):
    """The other thread came to rest."""
    faulthandler.dump_traceback(theirs)
    first = read(theirs)
    faulthandler.dump_traceback(theirs)
    return text in first and b"threading.py" in first and re.sub(rb"line \d+ in faulthandler_sees", b"", first) == re.sub(rb"line \d+ in faulthandler_sees", b"", read(theirs))


# ---- interrupted ----

def work(deadline):
    """Mixed programs, for ever."""
    while not deadline():
        for depth in range(4):
            made(depth)
        sum(numbers(50))
        sorted(range(50), key=lambda value: -value)
        [value for value in numbers(20) if value % 2]
        {str(value): value for value in range(30)}
        re.sub("[a-c]+", lambda match: match.group().upper(), "xxabcxxabc" * 5)
        loop.run_until_complete(steps(3))
        fibonacci(9)
        Linked(6)
        gc.collect(0)


def made(depth):
    class Local:
        def __init__(self, n):
            self.other = Local(n - 1) if n else None
    return Local(depth)


class Linked:
    def __init__(self, depth):
        self.next = Linked(depth - 1) if depth else None

    def __del__(self):
        self.next = None


def numbers(count):
    for value in range(count):
        yield value
        yield from (value + i for i in range(2))


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


async def steps(depth):
    if depth:
        await steps(depth - 1)
    await asyncio.sleep(0)


def stacks(descriptor):
    return read(descriptor).split(b"----\n")[1:]


def is_left_out(line):
    """Frames that have not begun are on the line of their definition, or on none, as shims are."""
    match = re.match(rb'  File "(.*)", line (\d+|\?\?\?) in (.*)$', line)
    return match is not None and ((match[1], match[2], match[3]) in definitions or match[2] == b"???") or line.startswith(b'  File "__init__", line')


def collect_definitions():
    found = set()
    for module in list(sys.modules.values()):
        for value in list(getattr(module, "__dict__", {}).values()):
            for member in [value, *(value.__dict__.values() if isinstance(value, type) else ())]:
                member = member.fget if isinstance(member, property) else member
                if isinstance(member, type(work)):
                    found.update(definitions_in(member.__code__))
    return found


def definitions_in(code):
    yield code.co_filename.encode(), str(code.co_firstlineno).encode(), code.co_name.encode()
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            yield from definitions_in(constant)


HEADER = b"Stack (most recent call first):"


def is_walk(expected, got):
    """The walk is what faulthandler printed, without frames that have not begun; where faulthandler gave up, the walk may go on."""
    gave_up = b"  <invalid frame>" in expected
    expected = [line for line in expected.split(b"\n") if line and line != HEADER and line != b"  <invalid frame>" and line != b"  ..." and b"no Python frame" not in line]
    got = [line for line in got.split(b"\n") if line and line != HEADER]
    if not gave_up and len(expected) == 100:
        got = got[:100]
    at = 0
    for line in expected:
        if at < len(got) and got[at] == line:
            at += 1
        elif not is_left_out(line):
            return False
    return gave_up or at == len(got) or len(expected) == 100


def interrupted(count):
    global loop, definitions
    walked = scratch()
    loop = asyncio.new_event_loop()
    definitions = collect_definitions()
    answers = sys.version_info[:3] != (3, 13, 0)  # whose faulthandler may crash when the innermost frame is an entry trampoline (gh-123967)
    if answers:
        faulthandler.register(signal.SIGUSR2, theirs, False, False)
    if probe.probe_interrupt(signal.SIGUSR2, theirs, ours, walked, 50):
        sys.exit("no timer")
    probe.probe_begin_interrupting()
    others = [threading.Thread(target=lambda: fibonacci_until(count)) for _ in range(2)]
    for other in others:
        other.start()
    work(lambda: probe.probe_interruptions() >= count)
    probe.probe_end_interrupting()
    for other in others:
        other.join()
    printed, collected = stacks(ours), stacks(walked)
    expected = stacks(theirs) if answers else printed
    if not len(expected) == len(printed) == len(collected) >= count:
        differ(len(expected), (len(printed), len(collected)))
    # To a thread that has no state faulthandler says nothing; where 3.11 and 3.12 have no chain it faults.
    known = [(one, two, three) for one, two, three in zip(expected, printed, collected) 
             if one and b"tstate is freed" not in one and not one.endswith(b"fault")]
    faults = sum(one.endswith(b"fault") for one in expected)
    other_prints = sum(one != two for one, two, _ in known)
    other_walks = 0
    for one, two in [(one, two) for one, two, _ in known if one != two][:2]:
        print("faulthandler", one.decode(), "printed", two.decode(), sep="\n", file=sys.stderr)
    for one, _, other in known:
        if not is_walk(one, other):
            other_walks += 1
            if other_walks <= 2:
                print("faulthandler", one.decode(), "walked", other.decode(), sep="\n", file=sys.stderr)
    print(f"{len(expected)} stacks, {len(set(expected))} different ones, {faults} faults of faulthandler, printed otherwise {other_prints}, walked otherwise {other_walks}", file=sys.stderr)
    if other_prints * 1000 > len(expected):
        differ("at most 1 in 1000 printed otherwise", other_prints)
    if other_walks * 1000 > len(expected):
        differ("at most 1 in 1000 walked otherwise", other_walks)


def fibonacci_until(count):
    while probe.probe_interruptions() < count:
        fibonacci(6)
        sum(numbers(10))


# ---- threads ----

def threads():
    if not probe.probe_thread_without_state(ours):
        differ("no state", "a state")
    text = read(ours).decode()
    if "Current thread" in text or " in threads\n" not in text:
        differ("the main interpreter's threads, none of them current", text)
    if not probe.probe_thread_without_frames(ours, theirs):
        differ("no frames", "frames")
    expected = read(theirs).decode() or "Stack (most recent call first):\n  <no Python frame>\n"
    got = read(ours).decode()
    if expected != got:
        differ(expected, got)
    (faulthandler.dump_traceback(theirs, False), print(end="") if probe.probe_detached(ours) else differ("own state", "another"))
    expected, got = read(theirs), read(ours)
    if expected != got:
        differ(expected.decode(), got.decode())


def freed():
    api.alloctrace_frame_borrow_code.restype = api.alloctrace_frame_innermost.restype = api.alloctrace_frame_caller.restype = pointer
    api.alloctrace_frame_borrow_code.argtypes = [pointer, pointer]
    api.alloctrace_frame_line.argtypes = [pointer, pointer]
    api.alloctrace_frame_innermost.argtypes = api.alloctrace_frame_caller.argtypes = [pointer, pointer, pointer]
    api.alloctrace_python_careful.restype = pointer
    api.alloctrace_python_careful.argtypes = [pointer]
    api.alloctrace_code_name.argtypes = [pointer, pointer, ctypes.c_char_p, ctypes.c_size_t, pointer]
    careful = api.alloctrace_python_careful(python)
    hops = ctypes.c_uint32(1000)
    frame = api.alloctrace_frame_innermost(python, probe.probe_state(), ctypes.byref(hops))
    code = sys._getframe().f_code
    if api.alloctrace_frame_borrow_code(python, frame) != id(code):
        differ(id(code), api.alloctrace_frame_borrow_code(python, frame))
    # A copy of the frame, so that what it says can be changed.
    copy = ctypes.create_string_buffer(ctypes.string_at(frame, 112), 112)
    words = ctypes.cast(copy, ctypes.POINTER(ctypes.c_uint64))
    at = next(i for i in range(14) if words[i] & ~3 == id(code))
    back = next(i for i in range(14) if i != at and words[i] and words[i] == (api.alloctrace_frame_caller(python, frame, ctypes.byref(ctypes.c_uint32(10))) or -1))
    for handle in (python, careful):
        dead = compile("1", "dead", "exec")
        address = id(dead)
        del dead
        gc.collect()  # without the GIL, code is only freed by it
        for word in (address, 0, 1, 0xDDDDDDDDDDDDDDDD, 0xCDCDCDCDCDCDCDCD, id(freed)) + ((0x7F0000001000, 0x1234567) if handle == careful else ()):
            words[at] = word
            if api.alloctrace_frame_borrow_code(handle, copy) is not None or api.alloctrace_frame_line(handle, copy) >= 0:
                differ("no code", hex(word))
        name = ctypes.create_string_buffer(b"x" * 10)
        if api.alloctrace_code_name(handle, None, name, 10, None) or name.value:
            differ("no name", name.value)
        words[at] = id(code)
        if api.alloctrace_frame_line(handle, copy) < code.co_firstlineno:
            differ("a line", api.alloctrace_frame_line(handle, copy))
        words[back] = ctypes.addressof(copy)
        hops, count, next_frame = ctypes.c_uint32(5000), 0, ctypes.addressof(copy)
        while next_frame:
            count, next_frame = count + 1, api.alloctrace_frame_caller(handle, next_frame, ctypes.byref(hops))
        if hops.value or count != 5001:
            differ((0, 5001), (hops.value, count))
        for word in (0, 1, 0xDDDDDDDDDDDDDDDD) + ((0x7F0000001000, 0x1234567) if handle == careful else ()):
            words[back] = word
            if api.alloctrace_frame_caller(handle, copy, ctypes.byref(ctypes.c_uint32(10))) is not None:
                differ("the end", hex(word))
        for length in (1, 2, 5, 6, 7):
            cut_off = ctypes.c_int(-1)
            if (api.alloctrace_code_name(handle, id(code), name, length, ctypes.byref(cut_off)), name.value, cut_off.value) != (min(length - 1, 5), b"freed"[:length - 1], length < 6):
                differ(length, (name.value, cut_off.value))
        # A character of three bytes is kept or not.
        scope = {}
        exec("def \u4e2d\u6587(): pass", scope)
        code_of_two = scope["\u4e2d\u6587"].__code__
        for length, kept in ((1, 0), (3, 0), (4, 3), (6, 3), (7, 6), (9, 6)):
            if api.alloctrace_code_name(handle, id(code_of_two), name, length, None) != kept or name.value != "\u4e2d\u6587".encode()[:kept]:
                differ((length, kept), name.value)


class AtTheEnd:
    """Goes when its module does: deep in finalization."""

    def __init__(self):
        self.keep = (faulthandler, theirs, api, python, ours, probe, read, print)

    def __del__(self):
        faulthandler, theirs, api, python, ours, probe, read, print = self.keep
        (faulthandler.dump_traceback(theirs, False), api.alloctrace_stack_print(python, probe.probe_state(), ours))
        expected, got = read(theirs), read(ours)
        print("the same while finalizing" if expected == got and b"__del__" in got else (expected, got), flush=True)


IN_SUB_INTERPRETER = """
import ctypes, faulthandler, sys, tempfile
api, probe = ctypes.PyDLL({library!r}), ctypes.PyDLL({probe!r})
probe.probe_state.restype = ctypes.c_void_p
api.alloctrace_stack_print.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
api.alloctrace_thread_state_borrow.restype = ctypes.c_void_p
api.alloctrace_thread_state_borrow.argtypes = [ctypes.c_void_p, ctypes.c_int]
descriptor, path = tempfile.mkstemp()
def inner():
    frame, expected = sys._getframe(), []
    api.alloctrace_stack_print({python}, api.alloctrace_thread_state_borrow({python}, 1), descriptor); line = sys._getframe().f_lineno
    got = open(path).read()
    expected = 'Stack (most recent call first):\\n  File "<string>", line %d in inner\\n  File "<string>", line %d in <module>\\n' % (line, frame.f_back.f_lineno)
    assert got == expected or got.replace("<script>", "<string>") == expected, (got, expected)
inner()
"""


def interpreters():
    try:
        import _interpreters
    except ImportError:
        import _xxsubinterpreters as _interpreters
    code = IN_SUB_INTERPRETER.format(library=library, probe=probe._name, python=python)
    number = _interpreters.create() if sys.version_info < (3, 12) else _interpreters.create("legacy") if sys.version_info >= (3, 13) else _interpreters.create(isolated=False)
    failed = _interpreters.run_string(number, code)
    if failed:
        differ("nothing", failed)
    _interpreters.destroy(number)


if what == "same":
    kinds()
elif what == "hook":
    output = open(rest[0], "wb", buffering=0)
    sys.argv = rest[1:]
    probe.probe_hook(output.fileno(), ctypes.c_size_t(1_000_000))
    runpy.run_path(rest[1], run_name="__main__")
elif what == "interrupted":
    interrupted(int(rest[0]))
elif what == "threads":
    threads()
elif what == "finalizing":
    at_the_end = AtTheEnd()
elif what == "freed":
    freed()
elif what == "interpreters":
    interpreters()
else:
    sys.exit(__doc__)
if what == "same" and compared < 100:
    differ("100 comparisons", compared)
sys.exit(1 if differences else 0)

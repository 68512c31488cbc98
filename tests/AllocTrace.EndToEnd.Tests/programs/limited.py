"""Works under limits. The last line of its output is the same with the recording and without it.
usage: limited.py MODE [ARGUMENT]
  stacks [N]      allocates on N distinct stacks and keeps the results
  memory BYTES    lowers RLIMIT_AS to so many bytes more than are in use, and allocates on ever new stacks until there is no memory
  late LIBRARY FOLDER  with next to no memory left asks for a recording, and allocates
  vanish          removes the folder of the sessions when they are collected, and goes on
  remove FOLDER   removes a folder, and goes on
  during COMMAND  runs a command of the shell, and goes on; so does a forked child
  names BYTES     functions and files with names of so many bytes
  exec N          makes and runs code that was not there before
  tree DEPTH      allocates on 2 to the power of DEPTH distinct stacks, and keeps nothing
  threads N       keeps 10 blocks in each of N threads that live at the same time
  forks N         forks so often, each child allocates"""
import os
import sys


def descend(bits, depth):
    if depth == 0:
        return bytes(100)
    if bits & 1:
        return descend(bits >> 1, depth - 1)
    return descend(bits >> 1, depth - 1)


def stacks(count):
    return [descend(i, 12) for i in range(count)]


def address_space():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def limit_memory(more):
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (address_space() + more, resource.RLIM_INFINITY))


def memory(more):
    limit_memory(more)
    kept = []
    try:
        for i in range(1 << 40):
            kept.append(descend(i, 16))
            kept.append(bytes(3000))
    except MemoryError:
        kept = None
    return stacks(100)


def late(library, folder):
    import ctypes
    start = ctypes.CDLL(library).alloctrace_start
    room = [bytearray(1 << 16) for _ in range(10)]  # for what Python itself needs now
    limit_memory(300_000)
    del room
    result = start(os.fsencode(folder), b"collector=off")
    return [result] + stacks(10)


def await_collector():
    while True:
        with open(f"/proc/{os.getppid()}/maps") as maps:
            if ".alloctrace" in maps.read():
                return


def vanish():
    import shutil
    kept = stacks(100)
    await_collector()
    shutil.rmtree(os.environ["ALLOCTRACE"])
    return kept + stacks(1000)


def remove(folder):
    import shutil
    kept = stacks(100)
    await_collector()
    shutil.rmtree(folder)
    return kept + stacks(100)


def during(command):
    kept = stacks(100)
    if os.path.isdir(os.environ["ALLOCTRACE"]):
        await_collector()
    assert os.system(command) == 0
    pid = os.fork()
    if pid == 0:
        os._exit(len(stacks(50)))
    assert os.waitpid(pid, 0)[1] == 50 << 8
    return kept + stacks(100)


def names(size):
    kept = []
    for letter in "ab":
        name, file = letter * size, letter.upper() * size
        scope = {}
        exec(compile(f"def {name}():\n return bytes(5000)\n", file, "exec"), scope)
        kept.append(scope[name]())
    surrogate = "\udcff<script>"
    scope = {}
    code = compile("def f():\n return bytes(7000)\n", "file" + surrogate, "exec")
    exec(code, scope)
    function = scope["f"]
    if hasattr(function.__code__, "replace"):
        function.__code__ = function.__code__.replace(co_name="name" + surrogate)
    return kept + [function()]


def new_code(count):
    for i in range(count):
        scope = {}
        exec(compile(f"def function_{i}():\n return bytes(100)\n", f"file_{i}", "exec"), scope)
        scope[f"function_{i}"]()
    return []


def tree(depth):
    if depth == 0:
        bytes(100)
        return []
    tree(depth - 1)
    return tree(depth - 1)


def threads(count):
    import threading
    threading.stack_size(128 << 10)
    barrier = threading.Barrier(count + 1)

    def work():
        kept = [bytes(9000) for _ in range(10)]
        barrier.wait()
        for _ in range(100):
            bytes(2000)
        barrier.wait()
        del kept
    all_of_them = [threading.Thread(target=work) for _ in range(count)]
    for thread in all_of_them:
        thread.start()
    barrier.wait()
    barrier.wait()
    for thread in all_of_them:
        thread.join()
    return all_of_them


def forks(count):
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            kept = [bytes(6000) for _ in range(10)]
            os._exit(len(kept) - 10)
        assert os.waitpid(pid, 0)[1] == 0
    return []


MODES = {"stacks": stacks, "memory": memory, "late": late, "vanish": vanish, "remove": remove, "during": during, "names": names, "exec": new_code, "tree": tree, "threads": threads, "forks": forks}
result = MODES[sys.argv[1]](*(int(argument) if argument.isdigit() else argument for argument in sys.argv[2:]))
print(sys.argv[1], len(result))

"""Programs whose resident memory is accounted for: the name of one is the argument. The last line that each prints is its own RSS."""
import ctypes
import gc
import os
import sys
import threading

gc.disable()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
kept = []


def rss():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Rss:")) << 10


def filled(count, size):
    """Blocks of C, written to."""
    blocks = [libc.malloc(size) for _ in range(count)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    return blocks


def mallinfo():
    """Free bytes in all of glibc's heaps; 0 before glibc 2.33."""
    fields = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    Info = type("Info", (ctypes.Structure,), {"_fields_": [(name, ctypes.c_size_t) for name in fields]})
    if not hasattr(libc, "mallinfo2"):
        return 0
    libc.mallinfo2.restype = Info
    return libc.mallinfo2().fordblks


def fragmented_arenas():
    junk = ["session %07d %s" % (i, "x" * 60) for i in range(150000)]
    kept.extend(junk[::300])


def fragmented_heap():
    junk = [bytes(1200) for _ in range(40000)]
    kept.extend(junk[::100])
    del junk
    print(mallinfo())


def leak_in_c():
    filled(20000, 700)


def free_lists():
    for n in range(1, 20):
        many = [tuple(range(n)) for _ in range(2000)]
        del many


def stacks():
    def deep(n):
        return n and list(map(deep, [n - 1]))

    done, go = threading.Barrier(21), threading.Event()

    def work():
        deep(300)
        done.wait()
        go.wait()

    threading.stack_size(2 << 20)
    sys.setrecursionlimit(5000)
    for _ in range(20):
        threading.Thread(target=work, daemon=True).start()
    done.wait()
    print(resident_stacks())


def resident_stacks():
    """What mappings of the size of a stack, above one that cannot be touched, have in memory."""
    resident, isStack, guard = 0, False, None
    for line in open("/proc/self/smaps"):
        first = line.split()[0]
        if "-" in first and not first.endswith(":"):
            start, end = (int(part, 16) for part in first.split("-"))
            access = line.split()[1]
            isStack = access == "rw-p" and guard == start and abs(end - start - (2 << 20)) <= 1 << 16
            guard = end if access.startswith("---") else None
        elif isStack and line.startswith("Rss:"):
            resident += int(line.split()[1]) << 10
    return resident


def trimmed():
    """Prints what malloc_trim returned after the snapshot 'before'."""
    for i, block in enumerate(filled(10000, 3000)):
        if i % 50:
            libc.free(block)
    fragmented_heap()
    libc.alloctrace_snapshot(b"before")
    before = rss()
    libc.malloc_trim(0)
    print(before - rss())


def mixed():
    data = [{"key %d" % i: [i, str(i), i * 1.5]} for i in range(30000)]
    del data[::2]
    kept.extend([data, bytearray(3_000_000)])
    threads = [threading.Thread(target=kept.append, args=(bytes(2_000 + i),)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def forked():
    mixed()
    child = os.fork()
    if not child:
        kept.append(bytearray(9_000_000))
        sys.exit()
    os.waitpid(child, 0)


def waiting():
    mixed()
    print(os.getpid(), flush=True)
    sys.stdin.readline()


def killed():
    mixed()
    os.kill(os.getpid(), 9)


def at_limit():
    while True:
        kept.append(bytes(1_000_000).replace(b"\0", b"x"))


globals()[sys.argv[1]]()
print(rss(), flush=True)

"""Programs whose resident memory is accounted for: the name of one is the argument. The last line that each prints is its own RSS."""
import ctypes
import gc
import mmap
import os
import resource
import sys
import threading
import time

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

    done, go, ranges = threading.Barrier(21), threading.Event(), []

    def work():
        deep(300)
        ranges.append(own_stack())
        done.wait()
        go.wait()

    threading.stack_size(2 << 20)
    sys.setrecursionlimit(5000)
    for _ in range(20):
        threading.Thread(target=work, daemon=True).start()
    done.wait()
    time.sleep(0.3)  # until they wait for 'go': a daemon that wants the GIL after the end of the main thread ends
    print(sum(resident_pages(*each) for each in ranges) * 4096)


def own_stack():
    """Address and size of the calling thread's stack, as the C library knows it."""
    attributes, address, size = ctypes.create_string_buffer(64), ctypes.c_size_t(), ctypes.c_size_t()
    libc.pthread_self.restype = ctypes.c_size_t
    libc.pthread_getattr_np(ctypes.c_size_t(libc.pthread_self()), attributes)
    libc.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    return address.value, size.value


def resident_pages(address, size):
    with open("/proc/self/pagemap", "rb") as file:
        file.seek(address // 4096 * 8)
        return sum(byte >> 7 for byte in file.read(size // 4096 * 8)[7::8])


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


def sparse():
    kept.append(mmap.mmap(-1, 8 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000))  # MAP_NORESERVE
    for page in range(100):
        kept[-1][page << 35] = 1
    resource.setrlimit(resource.RLIMIT_CPU, (5, 5))


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


kept.append(bytearray(20_000_000))
globals()[sys.argv[1]]()
print(rss(), flush=True)

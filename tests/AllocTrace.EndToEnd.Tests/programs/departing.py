"""Threads that end in unusual ways (native/departing.c).

    departing.py LIBRARY ending COUNT                          prints by how many KiB the private memory grew
    departing.py LIBRARY cancelled LIBALLOCTRACE DATABASE      prints whether the thread came out of its first allocation, and goes on
    departing.py LIBRARY cycles LIBALLOCTRACE FOLDER COUNT     prints how many mappings and KiB each further cycle left behind
"""
import ctypes
import sys
import threading


def mapped():
    with open("/proc/self/maps") as maps:
        lines = [line for line in maps if "[heap]" not in line and "[stack]" not in line]
    sizes = [line.split()[0].split("-") for line in lines]
    return len(lines), sum(int(end, 16) - int(begin, 16) for begin, end in sizes) // 1024


def busy(stop):
    while not stop.is_set():
        sum(range(100))


def cycles(api, folder, count):
    stop, idle = threading.Event(), threading.Event()
    threads = [threading.Thread(target=busy, args=(stop,)), threading.Thread(target=idle.wait)]
    for thread in threads:
        thread.start()
    for number in range(count):
        assert api.alloctrace_start(folder, b"") == 0
        kept = [bytes(1000) for _ in range(1000)]
        assert api.alloctrace_stop() == 0
        del kept
        if number == 4:
            before = mapped()
    after = mapped()
    stop.set()
    idle.set()
    for thread in threads:
        thread.join()
    print(after[0] - before[0], after[1] - before[1])


library = ctypes.CDLL(sys.argv[1])
if sys.argv[2] == "ending":
    library.allocate_while_ending.restype = ctypes.c_long
    print(library.allocate_while_ending(int(sys.argv[3])))
else:
    api = ctypes.CDLL(sys.argv[3])
    where = sys.argv[4].encode()
    if sys.argv[2] == "cancelled":
        print(library.cancel_in_first_allocation(api.alloctrace_start, where))
        kept = [bytes(1000) for _ in range(1000)]
        assert api.alloctrace_stop() == 0
    else:
        cycles(api, where, int(sys.argv[5]))

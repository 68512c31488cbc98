"""usage: threads.py LIBRARY hammer|come_and_go|foreign|raw|python|daemons|named"""
import ctypes
import os
import sys
import threading
import time

library = ctypes.CDLL(sys.argv[1])


def foreign_function():
    bytearray(50_000)


def without_the_gil(library):
    for _ in range(100):
        library.PyMem_RawFree(ctypes.c_void_p(library.PyMem_RawMalloc(ctypes.c_size_t(54_321))))


def work(i):
    sum(len(bytes(j)) for j in range(100))


def forever(i):
    while True:
        [str(j) for j in range(100)]


if sys.argv[2] == "hammer":
    assert library.hammer(100_000) == 0
elif sys.argv[2] == "come_and_go":
    assert library.come_and_go(200) == 0
elif sys.argv[2] == "foreign":
    assert library.run_in_foreign_threads(50, b"import __main__; __main__.foreign_function()") == 0
elif sys.argv[2] == "raw":
    library = ctypes.CDLL(None)  # not PyDLL: it lets go of the GIL
    library.PyMem_RawMalloc.restype = ctypes.c_void_p
    threads = [threading.Thread(target=without_the_gil, args=(library,)) for _ in range(4)]
    [thread.start() for thread in threads]
    without_the_gil(library)
    [thread.join() for thread in threads]
elif sys.argv[2] == "python":
    made = set()
    for _ in range(10):
        threads = [threading.Thread(target=work, args=(i,)) for i in range(10)]
        [thread.start() for thread in threads]
        made.update(str(thread.native_id) for thread in threads)
        [thread.join() for thread in threads]
    while made.intersection(os.listdir("/proc/self/task")):  # join() returns before the thread of the system has ended
        time.sleep(0.001)
elif sys.argv[2] == "named":
    import concurrent.futures
    import json

    names = ["crawler of a long name 1", "Zähler", "線程 x"]
    threads = [threading.Thread(target=lambda: (work(0), time.sleep(2)), name=name) for name in names] + [threading.Thread(target=lambda: (work(0), time.sleep(2)))]
    [thread.start() for thread in threads]
    pool = concurrent.futures.ThreadPoolExecutor(2, thread_name_prefix="pool of two")
    [pool.submit(lambda: (work(0), time.sleep(2))) for i in range(2)]
    time.sleep(0.1)
    print(json.dumps({thread.native_id: thread.name for thread in threading.enumerate() if thread is not threading.main_thread()}))
elif sys.argv[2] == "daemons":
    [threading.Thread(target=forever, args=(i,), daemon=True).start() for i in range(4)]
    [str(i) for i in range(100_000)]

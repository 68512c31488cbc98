"""usage: forks.py keep|plain_c|generations|orphan|without_allocation|exec|subprocess|finalized|daemon FILE

Blocks of 10,000 bytes and a few are made by make(); who drops which is what the test asks the database."""
import ctypes
import os
import subprocess
import sys
import time

BLOCKS = 100


def make():
    kept = []
    for _ in range(BLOCKS):
        block = bytes(10_000)
        kept.append(block)
    return kept


def make_in_child():
    kept = []
    for _ in range(10):
        block = bytes(20_000)
        kept.append(block)
    return kept


def wait(pid):
    assert os.waitpid(pid, 0)[1] == 0


def keep(fork):
    """The parent drops 10 before the fork and 20 after it, the child 30; both keep the rest."""
    kept = make()
    del kept[:10]
    pid = fork()
    if pid == 0:
        del kept[:30]
        kept += make_in_child()
        os._exit(0)
    del kept[:20]
    wait(pid)
    os._exit(0)


def generations(depth):
    """Each generation drops 10 of what it has, and makes 10 of its own."""
    kept = make()
    for _ in range(depth):
        pid = os.fork()
        if pid:
            wait(pid)
            break
        del kept[:10]
        kept += make_in_child()
    os._exit(0)


def orphan():
    """A grandchild whose parent is gone before it does anything."""
    kept = make()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        middle = os.getpid()
        if os.fork() == 0:
            while os.getppid() == middle:
                time.sleep(0.01)
            del kept[:30]
            os.write(write, b"done")
        os._exit(0)
    wait(pid)
    assert os.read(read, 10) == b"done"
    os._exit(0)


def make_in_daemon():
    for _ in range(30_000):
        bytes(30_000)


def daemon(path):
    """A daemon: forked twice, in a session of its own, in the root folder, without any descriptor. Writes its number when it is done."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            os.closerange(0, 4096)
            make_in_daemon()
            with open(path + ".new", "w") as file:
                file.write(str(os.getpid()))
            os.rename(path + ".new", path)
        os._exit(0)
    os.wait()
    while not os.path.exists(path):
        time.sleep(0.01)
    with open(path) as file:
        stat = "/proc/%s/stat" % file.read()
    try:
        while open(stat).read().rpartition(")")[2].split()[0] not in "ZX":  # nobody may reap it
            time.sleep(0.01)
    except (FileNotFoundError, ProcessLookupError):
        pass


def finalized():
    """Both go on to the end of the program."""
    kept = make()
    pid = os.fork()
    if pid:
        wait(pid)
    return kept


mode = sys.argv[1]
if mode == "keep":
    keep(os.fork)
elif mode == "plain_c":
    keep(ctypes.PyDLL(None).fork)
elif mode == "generations":
    generations(4)
elif mode == "orphan":
    orphan()
elif mode == "without_allocation":
    library = ctypes.PyDLL(sys.argv[2])
    assert all(library.fork_and_leave() == 0 for _ in range(50))
elif mode == "exec":
    kept = make()
    os.execv(sys.executable, [sys.executable, "-c", "kept = bytes(30_000)"])
elif mode == "subprocess":
    kept = make()
    for _ in range(3):
        subprocess.run([sys.executable, "-c", "kept = bytes(30_000)"], check=True)
        subprocess.run(["true"], check=True, close_fds=False)
        os.system("true")
elif mode == "daemon":
    daemon(sys.argv[2])
elif mode == "finalized":
    kept = finalized()

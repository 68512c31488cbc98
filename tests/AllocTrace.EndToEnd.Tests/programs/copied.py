"""Threads blocked in and returning from system calls all the time, while the process is copied: they must not notice. Prints what they did."""
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

errors, counts, stop = [], {}, []
latest = {"end of a pipe": 0.0, "byte": 0.0}
interrupted = []
children = threading.Lock()  # a child that is forked while the pipe is open keeps its end open until the child ends, copy or not


def loop(name):
    def decorate(function):
        def run():
            counts[name] = 0
            while not stop:
                try:
                    function()
                    counts[name] += 1
                except BaseException as e:
                    errors.append((name, repr(e)))
                    return
        threads.append(threading.Thread(target=run, name=name, daemon=True))
        return function
    return decorate


threads = []
reader, writer = os.pipe()
left, right = socket.socketpair()
lock, condition = threading.Lock(), threading.Condition()
lock.acquire()


@loop("sleep")
def _():
    begin = time.monotonic()
    time.sleep(0.02)
    if time.monotonic() - begin < 0.0199:
        errors.append(("sleep", time.monotonic() - begin))


@loop("read")
def _():
    sent = float(os.read(reader, 32))
    latest["byte"] = max(latest["byte"], time.monotonic() - sent)


@loop("write")
def _():
    time.sleep(0.005)
    os.write(writer, b"%-32.6f" % time.monotonic())


@loop("select")
def _():
    if select.select([left], [], [], 0.01)[0]:
        errors.append(("select", 1))


@loop("lock")
def _():
    if lock.acquire(timeout=0.01):
        errors.append(("lock", 1))


@loop("condition")
def _():
    with condition:
        condition.wait(0.01)


@loop("subprocess")
def _():
    with children:
        code = subprocess.run(["/bin/true"]).returncode
    if code:
        errors.append(("exit code", code))
    time.sleep(0.02)


@loop("end of a pipe")
def _():
    closed = []
    with children:
        first, second = os.pipe()

        def close():
            os.close(second)
            closed.append(time.monotonic())
        closer = threading.Timer(0.002, close)
        closer.start()
        if os.read(first, 1) != b"":
            errors.append(("end of a pipe", 1))
        end = time.monotonic()
        os.close(first)
        closer.join()
    latest["end of a pipe"] = max(latest["end of a pipe"], end - closed[0])
    time.sleep(0.001)


def wait_for_children():
    """As process managers do: whatever ended is waited for, and is one of its own."""
    with children:
        own = os.fork()
        if own == 0:
            os._exit(7)
        while True:
            pid, status = os.waitpid(own, 0)
            if pid == own:
                break
        if status >> 8 != 7:
            errors.append(("status", status))
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
            errors.append(("foreign child", pid, status))
        except ChildProcessError:
            pass


signal.signal(signal.SIGCHLD, lambda *_: None)
for thread in threads:
    thread.start()
print("ready", flush=True)
# Waits for work, so that there are objects made and dropped between the calls.
while not select.select([sys.stdin], [], [], 0)[0]:
    wait_for_children()
    counts["children"] = counts.get("children", 0) + 1
    time.sleep(0.03)  # the collector copies its tables at each fork
stop.append(1)
for thread in threads:
    thread.join(2)

for _ in range(200):  # the last copy is reaped by a call
    object(), [[] for _ in range(10)]
    time.sleep(0.005)
zombies = []
for name in os.listdir("/proc"):
    try:
        if name.isdigit() and ") Z %d " % os.getpid() in open("/proc/%s/stat" % name).read():
            zombies.append(name)
    except OSError:
        pass
print(json.dumps({"errors": errors[:5], "counts": counts, "zombies": zombies, "end_of_a_pipe": latest["end of a pipe"], "byte": latest["byte"]}))

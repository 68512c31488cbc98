"""A little of everything: blocks, threads and a forked child (UnfitChildTests)."""
import os
import threading

kept = [bytes(1000) for _ in range(1000)]
threads = [threading.Thread(target=bytes, args=(5000,)) for _ in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
child = os.fork()
if child == 0:
    more = [bytes(10) for _ in range(100)]
    os._exit(0)
print(f"{len(kept)} blocks, child {os.waitpid(child, 0)[1]}")

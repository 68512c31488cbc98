"""Four threads that allocate at the same time."""
import threading


def work():
    for i in range(220000):
        parts = [str(n) for n in range(i, i + 20)]
        "".join(parts)


workers = [threading.Thread(target=work) for _ in range(4)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()

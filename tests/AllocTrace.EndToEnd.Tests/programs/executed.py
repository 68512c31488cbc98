"""Makes objects until it is told to execute itself anew, then until it is told to end."""
import os
import sys
import threading


class Row:
    def __init__(self, number):
        self.number = number


told = []
threading.Thread(target=lambda: told.append(sys.stdin.readline()), daemon=True).start()
print("again" if sys.argv[1:] else "ready", flush=True)
rows = []
while not told:
    rows = (rows + [Row(len(rows))])[-1000:]
if not sys.argv[1:]:
    os.execv(sys.executable, [sys.executable, __file__, "again"])

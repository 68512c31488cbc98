"""command.py COMMAND…: what each alloctrace command weighs and how fast it starts.

    python3 tests/AllocTrace.Benchmarks/command.py out/alloctrace/alloctrace AllocTrace.Report/bin/Release/net10.0/alloctrace

Prints the size of the command's folder, the medians of 11 runs in turns, as wall seconds / CPU seconds with children, and the largest resident
memory of `run` while it records a program that makes ten million allocations.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 11
PROGRAM = "for i in range(10_000_000): str(i)"


def measure(words):
    """Run once: wall seconds, CPU seconds, and largest resident memory in MiB, children included."""
    start = time.monotonic()
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(words, stdout=nowhere, stderr=nowhere)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit("{} ended with {}".format(" ".join(words), status))
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def size_of(command):
    folder = pathlib.Path(command).resolve().parent
    names = [path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".pdb", ".dbg", ".xml")]
    return sum(path.stat().st_size for path in names) / 1e6, len(names)


def main(commands):
    with tempfile.TemporaryDirectory() as folder:
        recording = os.path.join(folder, "a.db")
        subprocess.run([commands[0], "run", "-q", "-o", recording, "--", "python3", "-c", "pass"], check=True)
        tasks = {
            "--version": ["--version"],
            "top": ["top", recording],
            "run -- python3 -c pass": ["run", "-q", "-f", "-o", os.path.join(folder, "b.db"), "--", "python3", "-c", "pass"],
        }
        times = {}
        for _ in range(RUNS):
            for command in commands:
                for name, words in tasks.items():
                    times.setdefault((command, name), []).append(measure([command, *words]))
        for command in commands:
            print(command)
            print("  {:28} {:.1f} MB in {} files".format("folder", *size_of(command)))
            for name in tasks:
                wall, cpu, _ = (statistics.median(column) for column in zip(*times[command, name]))
                print("  {:28} {:.3f} s / {:.3f} s".format(name, wall, cpu))
            words = [command, "run", "-q", "-f", "-o", os.path.join(folder, "c.db"), "--", "python3", "-c", PROGRAM]
            print("  {:28} {:.0f} MiB".format("largest resident memory", measure(words)[2]))


if __name__ == "__main__":
    main(sys.argv[1:] or [sys.exit(__doc__)])

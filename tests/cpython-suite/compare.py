#!/usr/bin/env python3
"""Runs parts of CPython's own test suite alone and under the tracer, and compares the outcome of every test case.

usage: compare.py [-j N] [--minutes N] [--keep FOLDER] [--root TREE] [--native malloc|stacks] LIBRARY PYTHON [MODULE ...]

LIBRARY is liballoctrace.so, PYTHON the interpreter whose suite is run. Without modules: those of modules.txt that this PYTHON has. A
module with a case whose outcomes differ is run again each way, up to three times in all: a case differs when no outcome under the tracer
was ever seen alone. Differences that differences.txt explains are shown and do not count.

With --native, memory of C code is recorded as well, with C stacks or without: liballoctrace-native.so is beside LIBRARY. Without modules:
those of native-modules.txt.

With --root, PYTHON is a path in another system's tree, and is run there (as root; with this machine's /tmp and /proc).

Every process records (1 GiB at most); nobody collects. A recording is looked at when its process has ended, and removed.

Exit code: 0 no difference, 1 differences, 2 the suite did not run.
"""
import argparse
import fnmatch
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).parent
ROUNDS = 3
STACKS_OFFSET, STACKS_OFF = 212, 2  # runtime[0].stacks in struct alloctrace_session, wire.h
# A recursion without end that another thread interrupts: 3.13.0 sometimes misses the interruption, alone too, and the module runs into its time limit.
ENDLESS = "test_print_exception_gh_102056"
ADDRESS = re.compile(r"0x[0-9a-f]+")


def words(name):
    """The first word of each line of a file of this folder; the rest of a line is a comment."""
    lines = (line.split("#")[0].split() for line in (HERE / name).read_text().splitlines())
    return [line[0] for line in lines if line]


class Recordings:
    """The sessions that traced processes leave: counted and removed once their process is gone."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.count = self.bytes = self.without_stacks = 0

    def sweep(self):
        for path in self.folder.glob("*.alloctrace"):
            if os.path.exists(f"/proc/{path.name.split('-')[0]}"):
                continue
            with open(path, "rb") as file:
                header = file.read(512)
            self.count += 1
            self.bytes += path.stat().st_size
            self.without_stacks += len(header) == 512 and struct.unpack_from("<I", header, STACKS_OFFSET)[0] == STACKS_OFF
            path.unlink()


class Suite:
    """One interpreter's suite."""

    def __init__(self, arguments, folder):
        self.python, self.jobs, self.minutes, self.folder = arguments.python, arguments.jobs, arguments.minutes, folder
        self.recordings = Recordings(folder / "sessions")
        self.traced = {"LD_PRELOAD": str(shutil.copy(arguments.library, folder)), "ALLOCTRACE": str(self.recordings.folder)}
        if arguments.native:
            second = pathlib.Path(arguments.library).with_name("liballoctrace-native.so")
            self.traced["LD_PRELOAD"] += f":{shutil.copy(second, folder)}"
            self.traced["ALLOCTRACE_OPTIONS"] = f"native={arguments.native}"
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.interpreter = [self.python]
        if arguments.root:
            inside = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mount --rbind /tmp "$0/tmp" && cd "$1" && exec chroot "$0" sh -c \'cd "$0" && exec "$@"\' "$@"'
            self.interpreter = ["unshare", "--mount", "sh", "-c", inside, arguments.root, str(self.scratch), self.python]
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("ALLOCTRACE", "PYTHON", "LD_"))}
        self.environment |= {"PYTHONHASHSEED": "0", "TERM": "dumb"}
        self.runs = 0

    def having(self, modules):
        """Those modules that this interpreter has."""
        code = """if 1:
            import importlib.util, sys
            def has(name):
                try:
                    return importlib.util.find_spec("test." + name) is not None
                except ImportError:
                    return False
            print(*filter(has, sys.argv[1:]))"""
        return subprocess.run([*self.interpreter, "-c", code, *modules], env=self.environment, check=True, capture_output=True, text=True).stdout.split()

    def run(self, modules, traced):
        """Outcomes by case. A case is Class.name of a module; subtests count as one."""
        self.runs += 1
        base = self.folder / f"{self.runs}-{'traced' if traced else 'alone'}"
        command = [*self.interpreter, "-m", "test", f"-j{self.jobs}", "--timeout", "240", "--ignore", ENDLESS, "--junit-xml", f"{base}.xml", "-u", "none,cpu", *modules]
        environment = self.environment
        if traced:
            environment = environment | self.traced
        with open(f"{base}.log", "w") as log:
            ended = subprocess.Popen(command, env=environment, cwd=self.scratch, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            self.watch(ended)
        try:
            tree = xml.etree.ElementTree.parse(f"{base}.xml")
        except (OSError, xml.etree.ElementTree.ParseError) as error:
            print(f"the suite left no results ({error}), exit code {ended.returncode}:", file=sys.stderr)
            print("".join(open(f"{base}.log").readlines()[-30:]), file=sys.stderr)
            sys.exit(2)
        outcomes = {}
        for case in tree.iter("testcase"):
            name = ADDRESS.sub("0x…", case.get("name") or "").removeprefix("test.").strip()
            if not name:  # a subtest's own entry; its test has one too
                continue
            children = {child.tag for child in case} & {"failure", "error", "skipped"}
            outcomes.setdefault(name, set()).add("".join(sorted(children)) or "success")
        text = pathlib.Path(f"{base}.log").read_text(errors="replace")
        for module in modules:  # a module that crashes, hangs or cannot be imported has no cases
            state = re.search(rf"^.*\] (?:test\.)?{re.escape(module)} (failed|crashed|timed out|worker non-zero exit code|skipped)", text, re.M)
            outcomes[f"{module} (module)"] = {re.sub("failed", "ran", state[1]) if state else "ran"}
        return {case: "+".join(sorted(kinds)) for case, kinds in outcomes.items()}

    def watch(self, process):
        """Waits for the end, and takes recordings away meanwhile."""
        end = time.monotonic() + self.minutes * 60
        while process.poll() is None:
            if time.monotonic() > end:
                process.kill()
                sys.exit(f"the suite did not end within {self.minutes} minutes")
            time.sleep(0.5)
            self.recordings.sweep()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-j", dest="jobs", type=int, default=3, help="test processes at a time")
    parser.add_argument("--minutes", type=int, default=30, help="how long a run may take")
    parser.add_argument("--keep", type=pathlib.Path, help="keep logs and recordings in this folder")
    parser.add_argument("--root", help="run PYTHON in this tree")
    parser.add_argument("--native", choices=["malloc", "stacks"], help="record memory of C code, too")
    parser.add_argument("library")
    parser.add_argument("python")
    parser.add_argument("modules", nargs="*")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alloctrace-suite-") as temporary:
        folder = arguments.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        suite = Suite(arguments, folder)
        return compare(suite, arguments.modules or words("native-modules.txt" if arguments.native else "modules.txt"))


def compare(suite, wanted):
    modules = suite.having(wanted)
    seen = {False: {}, True: {}}  # by case: outcomes
    pending, started, explained = modules, time.monotonic(), words("differences.txt")
    for round_ in range(ROUNDS):
        for traced in (False, True):
            begun = time.monotonic()
            for case, outcome in suite.run(pending, traced).items():
                seen[traced].setdefault(case, set()).add(outcome)
            print(f"round {round_ + 1}, {len(pending)} modules {'traced' if traced else 'alone'}: {time.monotonic() - begun:.0f} s", flush=True)
        differing = [case for case in seen[False].keys() | seen[True].keys() if not seen[False].get(case, {"missing"}) & seen[True].get(case, {"missing"})]
        open_ = [case for case in differing if not any(fnmatch.fnmatchcase(case, pattern) for pattern in explained)]
        pending = [module for module in modules if any(case.startswith((module + ".", module + " ")) for case in open_)]
        if not pending:
            break
    unexplained = 0
    for case in sorted(differing):
        known = any(fnmatch.fnmatchcase(case, pattern) for pattern in explained)
        unexplained += not known
        show = lambda outcomes: "/".join(sorted(outcomes or ["missing"]))
        print(f"{'explained' if known else 'DIFFERS'}  {case}: alone {show(seen[False].get(case))}, traced {show(seen[True].get(case))}")
    outcomes = [outcome for outcomes in seen[True].values() for outcome in outcomes]
    print(f"{suite.python}: {len(modules)} modules, {len(seen[True])} cases ({outcomes.count('success')} pass), {len(differing)} differ, {unexplained} unexplained; {time.monotonic() - started:.0f} s")
    suite.recordings.sweep()
    recorded = suite.recordings
    print(f"{recorded.count} processes recorded, {recorded.bytes >> 20} MiB; {recorded.without_stacks} of them without stacks")
    return 1 if unexplained or recorded.without_stacks or recorded.count < len(modules) else 0


if __name__ == "__main__":
    sys.exit(main())

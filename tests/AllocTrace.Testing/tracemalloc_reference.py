"""Answers questions about traces with CPython's own tracemalloc: one JSON object on stdin, one on stdout."""
import fnmatch
import json
import re
import sys
import tracemalloc

KEYS = [("lineno", False), ("filename", False), ("traceback", False), ("lineno", True), ("filename", True)]


def snapshot_of(traces):
    return tracemalloc.Snapshot([(domain, size, tuple(map(tuple, frames)), len(frames)) for domain, size, frames in traces], 100)


def filter_of(kind, *arguments):
    return {"file": tracemalloc.Filter, "domain": tracemalloc.DomainFilter}[kind](*arguments)


def frames_of(traceback):
    return [[frame.filename, frame.lineno] for frame in traceback]


def statistics(snapshot, key, cumulative):
    return [[s.size, s.count, frames_of(s.traceback), str(s)] for s in snapshot.statistics(key, cumulative)]


def differences(new, old, key, cumulative):
    return [
        [s.size, s.size_diff, s.count, s.count_diff, frames_of(s.traceback), str(s)]
        for s in new.compare_to(old, key, cumulative)
    ]


def answer(case):
    new, old = snapshot_of(case["traces"]), snapshot_of(case["old"])
    filters = [filter_of(*arguments) for arguments in case["filters"]]
    if filters:
        new, old = new.filter_traces(filters), old.filter_traces(filters)
    return {
        "statistics": [statistics(new, *key) for key in KEYS],
        "differences": [differences(new, old, *key) for key in KEYS],
    }


def formatted(frames, limit, most_recent_first):
    try:
        return tracemalloc.Traceback([tuple(frame) for frame in frames]).format(limit, most_recent_first)
    except (SyntaxError, UnicodeDecodeError):
        return None  # CPython 3.9's linecache raises for files that are not in the encoding that they name


def matches(name, pattern):
    try:
        return fnmatch.fnmatch(name, pattern)
    except re.error:
        return None  # CPython 3.9's fnmatch makes a bad expression of a range that ends before it begins


def loaded(path):
    snapshot = tracemalloc.Snapshot.load(path)
    return {
        "limit": snapshot.traceback_limit,
        "traces": sorted([t.domain, t.size, frames_of(t.traceback)] for t in snapshot.traces),
        "lineno": statistics(snapshot, "lineno", False),
    }


question = json.load(sys.stdin)
json.dump(
    {
        "cases": [answer(case) for case in question.get("cases", [])],
        "sizes": [[tracemalloc._format_size(size, sign) for sign in (False, True)] for size in question.get("sizes", [])],
        "matches": [matches(name, pattern) for pattern, name in question.get("matches", [])],
        "sorted": sorted(question.get("strings", [])),
        "formatted": [formatted(*arguments) for arguments in question.get("format", [])],
        "loaded": [loaded(path) for path in question.get("load", [])],
    },
    sys.stdout,
)

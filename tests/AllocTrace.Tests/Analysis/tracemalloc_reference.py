"""Answers questions about traces with CPython's own tracemalloc: one JSON object on stdin, one on stdout."""
import fnmatch
import json
import sys
import tracemalloc


def statistics(snapshot, key, cumulative):
    return [
        [s.size, s.count, [[f.filename, f.lineno] for f in s.traceback], str(s)]
        for s in snapshot.statistics(key, cumulative)
    ]


def answer(case):
    traces = [(0, size, tuple(map(tuple, frames)), len(frames)) for size, frames in case["traces"]]
    snapshot = tracemalloc.Snapshot(traces, 100)
    filters = [tracemalloc.Filter(*arguments) for arguments in case["filters"]]
    if filters:
        snapshot = snapshot.filter_traces(filters)
    return {
        "lineno": statistics(snapshot, "lineno", False),
        "filename": statistics(snapshot, "filename", False),
        "traceback": statistics(snapshot, "traceback", False),
        "cumulative lineno": statistics(snapshot, "lineno", True),
        "cumulative filename": statistics(snapshot, "filename", True),
    }


question = json.load(sys.stdin)
json.dump(
    {
        "cases": [answer(case) for case in question.get("cases", [])],
        "sizes": [[tracemalloc._format_size(size, sign) for sign in (False, True)] for size in question.get("sizes", [])],
        "matches": [fnmatch.fnmatch(name, pattern) for pattern, name in question.get("matches", [])],
        "sorted": sorted(question.get("strings", [])),
    },
    sys.stdout,
)

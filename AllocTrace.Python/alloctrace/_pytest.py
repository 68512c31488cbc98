"""The pytest plugin: what each test allocated, its high-water mark and what it kept, measured exactly.

Each test that is measured has a recording of its own around its call; setting its fixtures up is not in it. A test's measures travel in
its report's user_properties, which is what brings them from the workers of xdist.
"""

import json
import os
from typing import Dict, Iterable, List, Optional

import pytest

from ._errors import AllocTraceError
from ._measure import Line, Measurement, Meter, format_size, parse_size

_PROPERTY = "alloctrace"

# Growth that a comparison does not report, however few bytes there were: interned strings and caches differ by so much.
_NOISE_BYTES = 4096

_COLUMNS = ("allocated", "kept", "peak")


def pytest_addoption(parser) -> None:
    group = parser.getgroup("alloctrace", "memory of each test")
    group.addoption("--alloctrace", action="store_true", help="measure each test, and show those that took most memory")
    group.addoption("--alloctrace-tests", type=int, default=10, metavar="N", help="how many tests are shown (10)")
    group.addoption("--alloctrace-save", metavar="FILE.json", help="measure each test, and write a baseline")
    group.addoption("--alloctrace-compare", metavar="FILE.json", help="measure each test, and compare with a baseline")
    group.addoption("--fail-growth", metavar="PERCENT", help="with --alloctrace-compare: fail when a test's figure grew by more, such as 5%%")


def pytest_configure(config) -> None:
    config.addinivalue_line("markers", 'limit_memory(size): fail when the test\'s memory has a higher peak than size, such as "24 MB"')
    config.addinivalue_line(
        "markers",
        "limit_leaks(size, warmups=1): fail when the test keeps more than size after it was run so many times before, unmeasured",
    )
    try:
        run = _Run(config)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(run, "alloctrace-run")


class _Limits:
    """What a test's markers demand."""

    def __init__(self, item) -> None:
        self.memory: Optional[int] = None
        self.leaks: Optional[int] = None
        self.warmups = 0
        memory = item.get_closest_marker("limit_memory")
        leaks = item.get_closest_marker("limit_leaks")
        if memory is not None:
            self.memory = _size_of(memory, item)
        if leaks is not None:
            self.leaks = _size_of(leaks, item)
            self.warmups = int(leaks.kwargs.get("warmups", 1))

    def __bool__(self) -> bool:
        return self.memory is not None or self.leaks is not None

    def problem(self, measured: Measurement, meter: Meter) -> Optional[str]:
        """Say which limit was exceeded, and by which lines."""
        if self.memory is not None and measured.peak > self.memory:
            return _explain("used", measured.peak, "limit_memory", self.memory, meter.lines("peak", 5))
        if self.leaks is not None and measured.kept > self.leaks:
            return _explain("kept", measured.kept, "limit_leaks", self.leaks, meter.lines("live", 5))
        return None


def _size_of(marker, item) -> int:
    try:
        return parse_size(marker.args[0])
    except (IndexError, ValueError) as error:
        raise pytest.UsageError("{}: {}: {}".format(item.nodeid, marker.name, error or "wanted a size")) from None


def _explain(what: str, size: int, limit: str, allowed: int, lines: Iterable[Line]) -> str:
    head = "The test {} {}; {} allows {}. Lines with most:".format(what, format_size(size), limit, format_size(allowed))
    return "\n".join([head, "      Size     Count  Line", *(str(line) for line in lines)])


class _Run:
    """The plugin of one pytest run: measures in the process that runs tests, and reports in the one that has the terminal."""

    def __init__(self, config) -> None:
        option = config.option
        self._measures: Dict[str, Dict[str, int]] = {}
        self._growth: List[str] = []
        self._shown = option.alloctrace_tests
        self._save = option.alloctrace_save
        self._is_shown = option.alloctrace
        self._baseline = _read_baseline(option.alloctrace_compare)
        self._allowed = _percent(option.fail_growth)
        self._is_worker = hasattr(config, "workerinput")
        if self._allowed is not None and self._baseline is None:
            raise ValueError("--fail-growth compares with a baseline: give --alloctrace-compare FILE.json")
        self._measures_all = bool(option.alloctrace or option.alloctrace_save or option.alloctrace_compare)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item):
        limits = _Limits(item)
        if not (limits or self._measures_all):
            yield
            return
        for _ in range(limits.warmups):
            item.runtest()
        meter = Meter()
        try:
            meter.start()
            yield
            measured = meter.stop()
            if measured is not None:
                item.user_properties.append((_PROPERTY, measured.as_dict()))
                item.alloctrace_problem = limits.problem(measured, meter)
        except AllocTraceError as error:
            item.alloctrace_problem = "The test could not be measured: {}".format(error)
        finally:
            meter.close()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        report = outcome.get_result()
        problem = getattr(item, "alloctrace_problem", None)
        if call.when == "call" and report.passed and problem:
            report.outcome = "failed"
            report.longrepr = problem

    def pytest_runtest_logreport(self, report) -> None:
        if report.when == "call":
            for name, value in report.user_properties:
                if name == _PROPERTY:
                    self._measures[report.nodeid] = value

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session) -> None:
        if self._is_worker:
            return
        if self._save:
            _write_baseline(self._save, self._measures)
        if self._baseline is not None:
            self._growth = list(_growth(self._baseline, self._measures, self._allowed or 0.0))
            if self._growth and self._allowed is not None and session.exitstatus == 0:
                session.exitstatus = 1

    def pytest_terminal_summary(self, terminalreporter) -> None:
        if self._is_shown:
            for column in _COLUMNS:
                _show(terminalreporter, column, self._measures, self._shown)
        if self._save:
            terminalreporter.write_line("alloctrace: wrote {}, {} tests".format(self._save, len(self._measures)))
        if self._baseline is not None:
            terminalreporter.section("memory compared with the baseline")
            for line in self._growth or ["no test's memory grew"]:
                terminalreporter.write_line(line)


def _show(reporter, column: str, measures: Dict[str, Dict[str, int]], count: int) -> None:
    reporter.section("tests by memory: {}".format(column))
    for test, measure in sorted(measures.items(), key=lambda pair: -pair[1][column])[:count]:
        reporter.write_line("{:>12}  {}".format(format_size(measure[column]), test))


def _growth(old: Dict[str, Dict[str, int]], new: Dict[str, Dict[str, int]], percent: float) -> Iterable[str]:
    """Lines about the tests of both whose figures grew by more than so many percent."""
    for test in sorted(set(old) & set(new)):
        for column in _COLUMNS:
            before, after = old[test][column], new[test][column]
            if after - before > _NOISE_BYTES and after > before * (1 + percent / 100):
                share = "{:+.0f} %".format((after - before) * 100 / before) if before else "from nothing"
                yield "{}: {} {} -> {} ({})".format(test, column, format_size(before), format_size(after), share)


def _percent(text: Optional[str]) -> Optional[float]:
    if text is None:
        return None
    try:
        return float(text.rstrip("% "))
    except ValueError:
        raise ValueError("--fail-growth: wanted a percentage such as 5%, not {!r}".format(text)) from None


def _read_baseline(path: Optional[str]) -> Optional[Dict[str, Dict[str, int]]]:
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)["tests"]
    except (OSError, ValueError, KeyError) as error:
        raise ValueError("--alloctrace-compare: {} is no baseline: {}".format(path, error)) from None


def _write_baseline(path: str, measures: Dict[str, Dict[str, int]]) -> None:
    unfinished = path + ".unfinished"
    with open(unfinished, "w", encoding="utf-8") as file:
        json.dump({"format": 1, "tests": measures}, file, indent=1, sort_keys=True)
        file.write("\n")
    os.replace(unfinished, path)

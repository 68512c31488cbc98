"""Measuring one piece of a program exactly: a recording of its own, in a database that is looked at and thrown away."""

import gc
import os
import tempfile
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from . import _command, _recording


class Line(NamedTuple):
    """A line of Python that holds memory. size is bytes, count blocks."""

    filename: str
    lineno: int
    function: str
    size: int
    count: int

    def __str__(self) -> str:
        return "{:>10}  {:>8}  {}:{} {}".format(format_size(self.size), self.count, self.filename, self.lineno, self.function)


class Measurement(NamedTuple):
    """What a piece allocated, had at its high-water mark, and kept. Sizes are bytes; what was there before does not count."""

    allocated: int
    peak: int
    kept: int

    def as_dict(self) -> Dict[str, int]:
        return dict(self._asdict())


class Meter:
    """Measures what happens between start() and stop(). lines() can be asked until close()."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="alloctrace-")
        self.path = os.path.join(self._folder.name, "measured.db")

    def start(self) -> None:
        gc.collect()
        _recording.start(self.path)

    def stop(self) -> Optional[Measurement]:
        """End the measurement. None: nothing was allocated, so nothing was recorded."""
        gc.collect()
        _recording.stop()
        if not os.path.exists(self.path):
            return None
        process = _recording.summary_of(self.path, os.getpid())
        return Measurement(process["allocated"]["size"], process["peak"]["size"], process["live"]["size"])

    def lines(self, view: str, count: int, *filters: str) -> List[Line]:
        """The lines with most bytes. view: live, peak, total or temporary. filters: options of `alloctrace top`."""
        return [_line(statistic) for statistic in self._top(view, count, filters)["statistics"]]

    def total(self, view: str, *filters: str) -> int:
        """The bytes of a view that pass the filters."""
        return self._top(view, 1, filters)["total"]["size"]

    def _top(self, view: str, count: int, filters: Sequence[str]):
        options = ("--view", view, "-n", str(count), "--process", str(os.getpid()))
        return _command.ask_json("top", self.path, *options, *filters)

    def close(self) -> None:
        self._folder.cleanup()


def _line(statistic: Dict[str, Any]) -> Line:
    frame = (statistic.get("traceback") or [{}])[-1]
    return Line(
        frame.get("filename", "<no Python>"), frame.get("lineno", 0), frame.get("function", ""), statistic["size"], statistic["count"]
    )


_UNITS = {"": 1, "B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def parse_size(text) -> int:
    """Bytes in "24 MB", "1.5GiB" or a number. Units are powers of 1024, as in the command."""
    if isinstance(text, (int, float)):
        return int(text)
    word = text.strip().upper()
    number = word.rstrip("KMGTIB ")
    unit = word[len(number):].strip().replace("IB", "").rstrip("B")
    try:
        return int(float(number) * _UNITS[unit])
    except (KeyError, ValueError):
        raise ValueError("no size: {!r}; wanted a number with B, KB, MB or GB, for example '24 MB'".format(text)) from None


def format_size(size: int) -> str:
    """A size as the command writes it."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024 or unit == "GiB":
            return "{:.0f} {}".format(value, unit) if unit == "B" else "{:.1f} {}".format(value, unit)
        value /= 1024
    raise AssertionError

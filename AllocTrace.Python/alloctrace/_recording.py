"""Recording the process that runs."""

import ctypes
import os
from types import TracebackType
from typing import NamedTuple, Optional, Type, Union

from . import _command, _library
from ._errors import AllocTraceError, NotRecordingError

PathLike = Union[str, "os.PathLike[str]"]

_FLUSH_MS = 10_000


class Status(NamedTuple):
    """What is going on. Sizes are bytes.

    live_bytes is None when it was not asked for. peak_bytes is None as long as the collector tells only what is live at the moment;
    `alloctrace summary` has it when the recording is over.
    """

    is_recording: bool
    runtimes: int
    without_stacks: int
    collector_pid: int
    session_bytes: int
    lost_events: int
    session_path: str
    live_bytes: Optional[int]
    peak_bytes: Optional[int]


def start(
    path: PathLike,
    *,
    sample: int = 0,
    frames: int = 0,
    domains: str = "raw+mem+obj",
    children: bool = True,
    limit: Optional[int] = None,
    on_full: str = "wait",
    native: str = "off",
    crash: bool = False,
    events: bool = False
) -> None:
    """Start to record this process into the database `path`.

    This is a late start: the interpreter runs already. Blocks from before are not known. Their frees are counted as such, and reports
    say that the interpreter was running. Everything allocated from now on is recorded, in all threads. To record a program from its first
    allocation, run it with `alloctrace run program.py`.

    An existing database is not replaced: the recording is then written to a file with a number in its name, and a line on stderr says so.

    sample: record one allocation every so many bytes on average; 0 records every one.
    frames: how many frames are kept of each stack; 0 keeps all.
    domains: which of Python's allocators: raw, mem and obj, joined by +.
    children: record processes that this one forks as well.
    limit: the largest size in bytes of the session in shared memory.
    on_full: "wait" makes the program wait for room, "drop" loses records and counts them.
    native: "malloc" records what C code allocates as well (malloc, mmap), "stacks" its C stacks, too; what was loaded before is seen as far as its
        imports can be redirected.
    crash: keep the stacks of all threads if the process crashes.
    events: keep each single allocation and free as well.

    Raises AllocTraceError when a recording runs already, or when it cannot be started; a line on stderr then says why.
    """
    if _status().is_recording:
        raise AllocTraceError("a recording runs already in this process: stop it first")

    options = {
        "sample": sample,
        "frames": frames,
        "domains": domains,
        "children": "on" if children else "off",
        "on_full": on_full,
        "native": native,
        "crash": "on" if crash else "off",
        "events": "on" if events else "off",
    }
    if limit is not None:
        options["limit"] = limit
    text = ",".join("{}={}".format(name, value) for name, value in options.items())
    result = _library.functions().start(_absolute(path), text.encode("utf-8"))
    if result == _library.DONE:
        bytearray(64)  # the session begins with the first allocation
        if _status().has_session:
            return
        _library.functions().stop()
    raise AllocTraceError("the recording {} could not be started: the line on stderr says why".format(os.fspath(path)))


def stop() -> None:
    """End the recording and wait until its database is complete. The program goes on, and may start another."""
    _check(_library.functions().stop(), "the recording could not be stopped")


def snapshot(name: str) -> None:
    """Take a snapshot of what is alive now, to be looked at with `alloctrace top FILE --at NAME`."""
    _check(_library.functions().snapshot(name.encode("utf-8")), "the snapshot {!r} could not be taken".format(name))


def status(*, sizes: bool = True) -> Status:
    """Say what is going on.

    The sizes are read from the collector, which takes up to a second; with sizes=False they are left out. Without a recording there are none.
    """
    raw = _status()
    live = peak = None
    if sizes and raw.is_recording and raw.has_session:
        _library.functions().flush(_FLUSH_MS)
        process = summary_of(str(os.getpid()), os.getpid())
        live, peak = process["live"]["size"], process.get("peak", {}).get("size")
        raw = _status()
    return Status(
        bool(raw.is_recording),
        raw.runtimes,
        raw.without_stacks,
        raw.collector_pid,
        raw.session_bytes,
        raw.lost_events,
        os.fsdecode(raw.session_path),
        live,
        peak,
    )


def summary_of(recording: str, pid: int):
    """What `alloctrace summary` says about one process of a recording."""
    for process in _command.ask_json("summary", recording)["processes"]:
        if process["pid"] == pid:
            return process
    raise AllocTraceError("process {} is not in {}".format(pid, recording))


class Recording:
    """A recording that goes on; made by record()."""

    def __init__(self, path: PathLike, **options):
        self.path = os.path.abspath(os.fspath(path))
        self._options = options

    def __enter__(self) -> "Recording":
        start(self.path, **self._options)
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        try:
            stop()
        except NotRecordingError:
            if error is None:
                raise

    def snapshot(self, name: str) -> None:
        """Take a snapshot of what is alive now."""
        snapshot(name)

    def status(self, *, sizes: bool = True) -> Status:
        """Say what is going on."""
        return status(sizes=sizes)


def record(path: PathLike, **options) -> Recording:
    """Record what the block of a `with` statement allocates: `with alloctrace.record("app.db", sample=524288) as recording:`.

    The options, and what a late start means, are those of start(). The database is complete when the block is left.
    """
    return Recording(path, **options)


def _absolute(path: PathLike) -> bytes:
    return os.fsencode(os.path.abspath(os.fspath(path)))


def _status() -> "_library.Status":
    result = _library.Status()
    result.size = ctypes.sizeof(result)
    _library.functions().get_status(ctypes.byref(result))
    return result


def _check(result: int, message: str) -> None:
    if result == _library.NOT_RUNNING:
        raise NotRecordingError("there is no recording in this process")
    if result != _library.DONE:
        raise AllocTraceError(message + ": the line on stderr says why")

"""`import alloctrace`."""

import os
import pathlib
import subprocess
import sys

import alloctrace
import pytest


def test_recording_of_a_block(tmp_path):
    with alloctrace.record(tmp_path / "a.db") as recording:
        kept = tuple(bytearray(999) for _ in range(1000))  # no list: that may be an old one of CPython's free list, which is not known
        recording.snapshot("half way")
        status = recording.status()
        assert status.is_recording and status.live_bytes >= 1_000_000 and not status.lost_events
        recording.snapshot("with objects", objects=True)
    assert kept and pathlib.Path(recording.path).exists()
    assert not alloctrace.status().is_recording and alloctrace.status().live_bytes is None
    command = [sys.executable, "-m", "alloctrace", "holders", recording.path, "bytearray", "--at", "with objects"]
    assert "local kept[*]" in subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode()


def test_paths_are_str_or_path(tmp_path):
    for path in (str(tmp_path / "s.db"), tmp_path / "p.db"):
        alloctrace.start(path, sample=1024)
        alloctrace.stop()
    assert sorted(os.listdir(str(tmp_path))) == ["p.db", "s.db"]


def test_errors_are_exceptions(tmp_path):
    with pytest.raises(alloctrace.NotRecordingError):
        alloctrace.stop()
    with pytest.raises(alloctrace.NotRecordingError):
        alloctrace.snapshot("x")
    with pytest.raises(alloctrace.AllocTraceError, match="could not be started"):
        alloctrace.start(tmp_path / "no" / "folder" / "a.db")
    with alloctrace.record(tmp_path / "a.db"):
        with pytest.raises(alloctrace.AllocTraceError, match="runs already"):
            alloctrace.start(tmp_path / "b.db")


def test_module_takes_the_interpreter_that_runs_it(tmp_path):
    script = tmp_path / "app.py"
    script.write_text("import sys; print(sys.executable)")
    result = subprocess.run(
        [sys.executable, "-m", "alloctrace", "run", "-q", "-o", "a.db", str(script)], cwd=str(tmp_path), stdout=subprocess.PIPE, check=True
    )
    assert result.stdout.decode().strip() == sys.executable

"""The `alloctrace` command that comes with this package, and its answers as Python objects."""

import json
import os
import subprocess
from typing import Any, List

from ._errors import AllocTraceError

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin")
COMMAND = os.path.join(FOLDER, "alloctrace")
LIBRARY = os.path.join(FOLDER, "liballoctrace.so")

# Of a recorded program that asks: the command is not to be recorded in its turn.
_RECORDING_VARIABLES = ("LD_PRELOAD", "ALLOCTRACE", "ALLOCTRACE_OPTIONS")


def environment() -> "dict[str, str]":
    """The variables for a command that looks at a recording."""
    return {name: value for name, value in os.environ.items() if name not in _RECORDING_VARIABLES}


def ask(*arguments: str) -> str:
    """Run the command and return what it prints.

    Raises AllocTraceError with the command's own message when it fails.
    """
    words: List[str] = [COMMAND, *arguments]
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), check=False)
    if result.returncode != 0:
        message = result.stderr.decode("utf-8", "replace").strip()
        raise AllocTraceError(message or "{} ended with {}".format(" ".join(words), result.returncode))
    return result.stdout.decode("utf-8")


def ask_json(*arguments: str) -> Any:
    """Run a report with --json and return what it says."""
    return json.loads(ask(*arguments, "--json"))

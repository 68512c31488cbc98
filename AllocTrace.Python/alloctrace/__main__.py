"""The command: `alloctrace …` and `python -m alloctrace …`. This process becomes it."""

import os
import sys

from ._command import COMMAND


def main() -> None:
    """What the script `alloctrace` calls: a Python program is run by VIRTUAL_ENV's interpreter, or by python3."""
    os.execv(COMMAND, [COMMAND, *sys.argv[1:]])


def run_with_this_interpreter() -> None:
    """What `python -m alloctrace` calls: `run` takes the interpreter that runs this."""
    words = sys.argv[1:]
    if words[:1] == ["run"]:
        words[1:1] = ["--python", sys.executable]
    os.execv(COMMAND, [COMMAND, *words])


if __name__ == "__main__":
    run_with_this_interpreter()

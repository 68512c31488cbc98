"""Records every allocation of a Python program with its Python stack, and answers questions about the recording.

From outside: `alloctrace run app.py`, or `python -m alloctrace run app.py`. From inside:

    import alloctrace

    with alloctrace.record("app.db") as recording:
        work()
        recording.snapshot("half way")

and then `alloctrace top app.db`. A recording from inside starts late; the docstring of start() says what that means.
"""

from ._errors import AllocTraceError, NotRecordingError
from ._recording import Recording, Status, record, snapshot, start, status, stop

__all__ = ["AllocTraceError", "NotRecordingError", "Recording", "Status", "record", "snapshot", "start", "status", "stop"]


def load_ipython_extension(shell) -> None:
    """What `%load_ext alloctrace` calls: adds the cell magic %%alloctrace."""
    from ._notebook import register

    register(shell)

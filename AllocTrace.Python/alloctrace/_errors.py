"""What goes wrong, as exceptions."""


class AllocTraceError(Exception):
    """A recording could not be started, stopped or read. The message says why."""


class NotRecordingError(AllocTraceError):
    """There is no recording to act on."""

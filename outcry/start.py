"""The command's first step: Ctrl-C ends it at any moment, while what it needs is still being imported too."""

from __future__ import annotations

import errno
import os
import signal
import sys
from types import FrameType
from typing import Final

FAILED: Final = 1
INTERRUPTED: Final = 130
"""Exit statuses; as in `outcry.__main__`, which takes a second to import."""
_OUTPUT_ERRORS: Final = (errno.ENOSPC, errno.EIO, errno.EPIPE)


def main() -> None:
    """Run the command; what cannot be written is told in a sentence."""
    is_heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heeded:  # in the background of a script it is not
        signal.signal(signal.SIGINT, _leave)
    from outcry.__main__ import main as run  # noqa: PLC0415 - what takes so long

    if is_heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        try:
            run()
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in _OUTPUT_ERRORS:
            raise
        _end(FAILED, f"outcry: cannot write its output: {os.strerror(error.errno)}")


def _leave(_number: int, _frame: FrameType | None) -> None:
    _end(INTERRUPTED, "outcry: stopped")


def _end(status: int, text: str) -> None:
    """End at once: nothing has been started, or all has been ended, and what is buffered cannot be written."""
    os.write(2, f"{text}\n".encode())
    os._exit(status)

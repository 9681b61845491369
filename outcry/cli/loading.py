"""Imports that take a while: Ctrl-C during one ends the command in order."""

from __future__ import annotations

import importlib
import os
import signal
from types import FrameType, ModuleType
from typing import Final, NoReturn

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C before there was anything to judge."""


def load_module(name: str) -> ModuleType:
    """
    Import a module.

    Ctrl-C meanwhile ends the process with `INTERRUPTED` and a sentence: nothing has been started yet, and an exception
    in the midst of an import is a traceback, or is taken for a module that is missing. Where SIGINT is ignored, as in
    the background of a script, it stays ignored.
    """
    is_heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heeded:
        signal.signal(signal.SIGINT, _leave)
    try:
        return importlib.import_module(name)
    finally:
        if is_heeded:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def end_at_once(status: int, text: str) -> NoReturn:
    """End the process: nothing has been started, or all has been ended, and what is buffered cannot be written."""
    os.write(2, f"{text}\n".encode())
    os._exit(status)


def _leave(_number: int, _frame: FrameType | None) -> None:
    end_at_once(INTERRUPTED, "outcry: stopped")

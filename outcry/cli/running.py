"""How a command runs and ends: exit statuses, and one sentence for what went wrong."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Coroutine, Iterator
from typing import Any, Final, NoReturn

import typer

from openoutcry.wire.errors import ConfigurationError, OpenOutcryError
from outcry.cli.loading import INTERRUPTED
from outcry.stack.aio.stop_signal import Interrupted

FAILED: Final = 1
"""Exit status of a verdict that is not good, and of a part that failed."""
MISUSED: Final = 2
"""Exit status of wrong flags, files or settings."""


def run_command(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a command to its end; what goes wrong is reported in a sentence."""
    with reported_errors():
        return asyncio.run(main)


def run_and_judge(main: Coroutine[Any, Any, bool]) -> NoReturn:
    """Run a command to its end, and exit with 0 if it returns True, `FAILED` otherwise."""
    leave(0 if run_command(main) else FAILED)


@contextlib.contextmanager
def reported_errors() -> Iterator[None]:
    """Report our own errors in a sentence, and exit with the status that belongs to them."""
    try:
        yield
    except ConfigurationError as error:
        say(f"outcry: {error}")
        leave(MISUSED)
    except OpenOutcryError as error:
        say(f"outcry: {error}")
        leave(FAILED)
    except (Interrupted, asyncio.CancelledError):
        say("outcry: stopped")
        leave(INTERRUPTED)


def refuse(text: str) -> NoReturn:
    """End for flags that do not go together."""
    say(f"outcry: {text}")
    leave(MISUSED)


def say(text: str) -> None:
    """Write a line for a person to standard error; standard output is for what a program reads."""
    print(text, file=sys.stderr, flush=True)


def leave(status: int) -> NoReturn:
    """End the command with this exit status."""
    raise typer.Exit(status)

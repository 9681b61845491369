"""Where the demo is shown: a terminal's live page, or plain lines."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.live import Live

from openoutcry.demo.moment import Moment
from openoutcry.demo.report import Report
from openoutcry.demo.view import line, page, summary

PLAIN_SECONDS: Final = 5.0
"""Between two plain lines."""


class Screen(Protocol):
    """A context manager that shows a run."""

    def say(self, text: str) -> None:
        """Show a sentence about what is going on."""

    def show(self, moment: Moment) -> None:
        """Show a moment."""

    def end(self, report: Report) -> None:
        """Show how it ended."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class PlainScreen:
    """
    Lines, one every few seconds.

    Args:
        console: Where.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown_at = 0.0
        self._phase = ""

    def say(self, text: str) -> None:
        """Print a sentence."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def show(self, moment: Moment) -> None:
        """Print a moment if the last one is old enough."""
        if moment.phase == self._phase and moment.elapsed - self._shown_at < PLAIN_SECONDS:
            return
        self._phase, self._shown_at = moment.phase, moment.elapsed
        self.say(line(moment))

    def end(self, report: Report) -> None:
        """Print the summary."""
        self._console.print(summary(report), soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


class LiveScreen:
    """
    A page that stays in place.

    Refreshed by `show` alone: no thread of rich's runs beside us, since children are started by fork.

    Args:
        console: A terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def say(self, text: str) -> None:
        """Print a sentence above the page."""
        self._live.console.print(text, highlight=False, markup=False)

    def show(self, moment: Moment) -> None:
        """Redraw the page."""
        self._live.update(page(moment), refresh=True)

    def end(self, report: Report) -> None:
        """Take the page away and print the summary."""
        self._live.stop()
        self._console.print(summary(report))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


def open_screen() -> Screen:
    """Return the screen that standard output deserves."""
    console = Console()
    return LiveScreen(console) if console.is_terminal else PlainScreen(console)

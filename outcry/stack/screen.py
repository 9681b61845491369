"""Where a run is shown: a terminal's live page, or plain lines. How it looks is a `View`'s part."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Generic, Protocol, Self, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live

PLAIN_SECONDS: Final = 5.0
"""Between two plain lines."""
PLAIN_WIDTH: Final = 120
"""Columns of tables where nobody says how wide the page is."""


class Timed(Protocol):
    """A look at a run."""

    @property
    def phase(self) -> str:
        """What is going on, in a word."""

    @property
    def elapsed(self) -> float:
        """Seconds since that began."""


MomentT = TypeVar("MomentT", bound=Timed)
ReportT = TypeVar("ReportT")
MomentT_contra = TypeVar("MomentT_contra", bound=Timed, contravariant=True)
ReportT_contra = TypeVar("ReportT_contra", contravariant=True)


class View(Protocol[MomentT_contra, ReportT_contra]):
    """How a run looks; a module of these functions is one."""

    def line(self, moment: MomentT_contra, /) -> str:
        """Return a moment as one line."""

    def page(self, moment: MomentT_contra, size: tuple[int, int], /) -> RenderableType:
        """Return a moment as a page of a terminal; of its columns and lines one line is the cursor's."""

    def summary(self, report: ReportT_contra, /) -> RenderableType:
        """Return the end of a run."""


class Screen(Protocol[MomentT_contra, ReportT_contra]):
    """A context manager that shows a run."""

    def say(self, text: str) -> None:
        """Show a sentence about what is going on."""

    def show(self, moment: MomentT_contra) -> None:
        """Show a moment."""

    def end(self, report: ReportT_contra) -> None:
        """Show how it ended."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class PlainScreen(Generic[MomentT, ReportT]):
    """
    Lines, one every few seconds.

    Args:
        view: How it looks.
        console: Where.
    """

    def __init__(self, view: View[MomentT, ReportT], console: Console) -> None:
        self._view = view
        self._console = console
        self._shown_at = 0.0
        self._phase = ""

    def say(self, text: str) -> None:
        """Print a sentence."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def show(self, moment: MomentT) -> None:
        """Print a moment if the last one is old enough."""
        if moment.phase == self._phase and moment.elapsed - self._shown_at < PLAIN_SECONDS:
            return
        self._phase, self._shown_at = moment.phase, moment.elapsed
        self.say(self._view.line(moment))

    def end(self, report: ReportT) -> None:
        """Print the summary."""
        self._console.print(self._view.summary(report), soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


class LiveScreen(Generic[MomentT, ReportT]):
    """
    A page that stays in place.

    Refreshed by `show` alone: no thread of rich's runs beside us, since children are started by fork.

    Args:
        view: How it looks.
        console: A terminal.
    """

    def __init__(self, view: View[MomentT, ReportT], console: Console) -> None:
        self._view = view
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def say(self, text: str) -> None:
        """Print a sentence above the page."""
        self._live.console.print(text, highlight=False, markup=False)

    def show(self, moment: MomentT) -> None:
        """Redraw the page."""
        self._live.update(self._view.page(moment, self._console.size), refresh=True)

    def end(self, report: ReportT) -> None:
        """Take the page away and print the summary."""
        self._live.stop()
        self._console.print(self._view.summary(report))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


def open_screen(view: View[MomentT, ReportT]) -> Screen[MomentT, ReportT]:
    """Return the screen that standard output deserves."""
    console = Console()
    return LiveScreen(view, console) if console.is_terminal else PlainScreen(view, Console(width=PLAIN_WIDTH))

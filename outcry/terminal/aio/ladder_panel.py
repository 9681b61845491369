"""The ladder on the screen, with a cursor on a price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget

from openoutcry.wire.instrument import Instrument
from outcry.terminal.ladder_rows import LadderRow, row_text, widths
from outcry.terminal.ladder_window import SPREAD, step, window
from outcry.terminal.money import money
from outcry.terminal.palette import FAINT, SIDES
from outcry.terminal.picture import Picture

PAGE = 5
"""Rows of a page key."""


class LadderPanel(Widget, can_focus=True):
    """Levels of a book; `chosen` is the price under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", show=False),
        Binding("down", "step(1)", show=False),
        Binding("pageup", f"step(-{PAGE})", show=False),
        Binding("pagedown", f"step({PAGE})", show=False),
        Binding("home", "centre", show=False),
    ]

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.chosen: int | None = None
        self._shown: tuple[Sequence[LadderRow], Sequence[LadderRow], Instrument, bool] | None = None

    def show(self, picture: Picture) -> None:
        """Draw a book anew if it is another one than before."""
        if self._shown is not None and self._shown[2] != picture.instrument:
            self.chosen = None
        shown = (picture.bids, picture.asks, picture.instrument, picture.is_stale)
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def action_step(self, down: int) -> None:
        """Move the cursor."""
        if self._shown is not None:
            self.chosen = step(self._shown[0], self._shown[1], self.chosen, down)
            self.refresh()

    def action_centre(self) -> None:
        """Take the cursor away: the spread is in the middle."""
        self.chosen = None
        self.refresh()

    def render(self) -> Text:
        """Return what is seen."""
        text = Text(no_wrap=True, overflow="ellipsis")
        if self._shown is None:
            return text
        bids, asks, instrument, is_stale = self._shown
        lines = window(bids, asks, max(1, self.size.height), self.chosen)
        rows = [line for line in lines if isinstance(line, LadderRow)]
        width = widths(rows, self.size.width, instrument)
        most = max((row.lots for row in rows), default=0)
        for place, line in enumerate(lines):
            text.append("\n" if place else "")
            if isinstance(line, LadderRow):
                is_chosen = line.price == self.chosen
                style = FAINT if is_stale else SIDES[line.side]
                written = row_text(line, width, instrument, most, is_chosen=is_chosen)
                text.append(written, f"{style} reverse" if is_chosen and self.has_focus else style)
            elif line == SPREAD:
                text.append(_spread(bids, asks, instrument, is_stale=is_stale), FAINT)
        return text


def _spread(bids: Sequence[LadderRow], asks: Sequence[LadderRow], instrument: Instrument, *, is_stale: bool) -> str:
    stale = "STALE " if is_stale else ""
    if not bids or not asks:
        return f" {stale}{'no bids' if asks else 'no asks' if bids else 'no orders'}"
    return f" {stale}spread {money(asks[0].price - bids[0].price, instrument)}"

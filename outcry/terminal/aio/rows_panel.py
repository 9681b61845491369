"""A list of lines with a cursor; only those in sight are drawn, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget

from outcry.terminal.account_rows import ListRow
from outcry.terminal.palette import FAINT

PAGE = 5
"""Rows of a page key."""


class RowsPanel(Widget, can_focus=True):
    """
    A list.

    Args:
        id: Its name.
        title: What it shows.
        key: Which key leads here.
        none: What is said while it is empty.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", show=False),
        Binding("down", "step(1)", show=False),
        Binding("pageup", f"step(-{PAGE})", show=False),
        Binding("pagedown", f"step({PAGE})", show=False),
        Binding("home", "first", show=False),
    ]

    def __init__(self, *, id: str, title: str, key: str, none: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="list")
        self._title, self._key, self._none = title, key, none
        self.rows: Sequence[ListRow] = ()
        self.chosen: int | str | None = None
        """Key of the row under the cursor; stays on its row while others come and go."""
        self._is_stale = False

    def show(self, rows: Sequence[ListRow], *, is_stale: bool = False) -> None:
        """Draw rows anew if they are others than before."""
        if rows != self.rows or is_stale != self._is_stale:
            self.rows, self._is_stale = rows, is_stale
            self.refresh()

    def chosen_row(self) -> ListRow | None:
        """Return the row under the cursor, or the only one."""
        found = next((row for row in self.rows if row.key == self.chosen), None)
        return found or (self.rows[0] if len(self.rows) == 1 else None)

    def action_step(self, down: int) -> None:
        """Move the cursor."""
        if self.rows:
            place = self._place()
            place = 0 if place is None else min(max(place + down, 0), len(self.rows) - 1)
            self.chosen = self.rows[place].key
            self.refresh()

    def action_first(self) -> None:
        """Take the cursor away: the newest rows are in sight."""
        self.chosen = None
        self.refresh()

    def render(self) -> Text:
        """Return what is seen."""
        stale = " STALE" if self._is_stale else ""
        mark = "▌" if self.has_focus else " "
        text = Text(no_wrap=True, overflow="ellipsis")
        width = self.size.width

        def fit(words: str, style: str) -> Text:
            line = Text(words, style)
            line.truncate(width, overflow="ellipsis")
            return line

        text.append_text(fit(f"{mark}{self._title} {len(self.rows):,} ({self._key}){stale}", "bold"))
        height = max(1, self.size.height - 1)
        place = self._place()
        start = 0 if place is None else max(0, place - height + 1)
        for row in self.rows[start : start + height]:
            is_chosen = row.key == self.chosen
            style = FAINT if self._is_stale else "reverse" if is_chosen and self.has_focus else ""
            text.append("\n").append_text(fit(f"{'▸' if is_chosen else ' '}{row.text}", style))
        if not self.rows:
            text.append("\n").append_text(fit(f" {self._none}", FAINT))
        return text

    def _place(self) -> int | None:
        return next((place for place, row in enumerate(self.rows) if row.key == self.chosen), None)

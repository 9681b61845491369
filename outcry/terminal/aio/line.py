"""A line of text that is drawn again only when it says something else."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static


class Line(Static):
    """A line; empty ones that are optional take no room."""

    def __init__(self, *, id: str, is_optional: bool = False) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._told: Text | None = None
        self._is_optional = is_optional
        self.display = not is_optional

    @property
    def words(self) -> str:
        """What it says."""
        return self._told.plain if self._told is not None else ""

    def say(self, text: str, style: str = "") -> None:
        """Show text as it is: nothing in it is markup."""
        told = Text(text, style, overflow="ellipsis", no_wrap=not self._is_optional)
        if self._told is not None and told == self._told and told.style == self._told.style:
            return
        self._told = told
        if self._is_optional:
            self.display = bool(text)
        self.update(told)

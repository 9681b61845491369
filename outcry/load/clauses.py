"""Text that is broken between its clauses, and never within one, so that figures stay beside what they count."""

from __future__ import annotations

import re
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

_BETWEEN: Final = re.compile(r"(?<=[,;:]) ")


class Clauses:
    """
    A text for a cell of a table.

    Args:
        text: Its clauses end with a comma, a semicolon or a colon, and a blank.
    """

    def __init__(self, text: str) -> None:
        self._clauses: Final = _BETWEEN.split(text)

    def lines(self, columns: int) -> list[str]:
        """Return the text in lines of so many columns at most; a longer clause is one of its own."""
        lines = self._clauses[:1]
        for clause in self._clauses[1:]:
            joined = f"{lines[-1]} {clause}"
            if cell_len(joined) <= columns:
                lines[-1] = joined
            else:
                lines.append(clause)
        return lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("\n".join(self.lines(options.max_width)))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(max(map(cell_len, self._clauses)), cell_len(" ".join(self._clauses)))

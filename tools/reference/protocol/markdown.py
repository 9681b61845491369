"""Pieces of Markdown: tables, and examples of the wire in lines that fit a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

LINE_MAX: Final = 120
"""Longest line of an example, in characters."""
BYTES_PER_LINE: Final = 32
BYTES_PER_GROUP: Final = 4
_INDENT: Final = "  "
_BREAKABLE: Final = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^",]|,(?!["\[{]))+,?')
"""JSON up to the next comma after which a name, a text, an array or an object begins; never within a text."""


def code(text: str) -> str:
    """Return a word of the wire; the empty one in quotes."""
    return f"`{text}`" if text else '`""`'


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells may hold bars."""
    return "\n".join(map(_row, [columns, ["---"] * len(columns), *rows]))


def fenced(language: str, text: str) -> str:
    """Return a block of code."""
    return f"```{language}\n{text}\n```"


def wrapped_json(text: str) -> str:
    """Return JSON as it is, but for line breaks and indents between its parts: without these it is `text` again."""
    lines = [""]
    for part in _BREAKABLE.findall(text):
        if lines[-1] and len(lines[-1]) + len(part) > LINE_MAX:
            lines.append(_INDENT)
        lines[-1] += part
    return "\n".join(lines)


def grouped_hex(data: bytes) -> str:
    """Return bytes in hexadecimal: groups of four, eight groups a line."""
    lines = (data[start : start + BYTES_PER_LINE] for start in range(0, len(data), BYTES_PER_LINE))
    return "\n".join(line.hex(" ", -BYTES_PER_GROUP) for line in lines)


def _row(cells: Sequence[str]) -> str:
    escaped = " | ".join(cell.replace("|", "\\|") for cell in cells)
    return f"| {escaped} |"

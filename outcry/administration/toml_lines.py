"""Where the keys of a TOML text stand: `tomllib` tells lines of wrong syntax only.

Owns a scanner for texts that `tomllib` has read, so that every one is of right syntax. It knows tables, arrays of
tables, dotted and quoted keys, and passes over values, many lines of them too. What stands inside an inline table or an
array has the line of its key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys, and numbers of elements from 0."""

_KEY: Final = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*""")
_HEADER: Final = re.compile(r"\s*(\[\[?)(.*?)\]\]?\s*(?:#.*)?$")
_OPENED: Final = {"[": 1, "{": 1, "]": -1, "}": -1}
_PART: Final = re.compile(r'''"""|\'\'\'|"(?:[^"\\]|\\.)*"|'[^']*'|#.*|[][{}]''')


class TomlLines:
    """
    The lines of a text's keys.

    Args:
        text: TOML that `tomllib` reads.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        table: Path = ()
        open_brackets, quotes = 0, ""
        for number, line in enumerate(text.splitlines(), 1):
            if open_brackets or quotes:
                open_brackets, quotes = _passed(line, open_brackets, quotes)
                continue
            header = _HEADER.match(line)
            if header is not None:
                table = self._table(_keys(header[2])[0], is_array=header[1] == "[[")
                self._lines.setdefault(table, number)
                continue
            keys, rest = _keys(line)
            if keys and rest.startswith("="):
                for end in range(1, len(keys) + 1):
                    self._lines.setdefault((*table, *keys[:end]), number)
                open_brackets, quotes = _passed(rest[1:], 0, "")

    def line_of(self, path: Sequence[str | int]) -> int:
        """Return the line of a key, or of the nearest thing that holds it; the first line if nothing does."""
        for end in range(len(path), 0, -1):
            line = self._lines.get(tuple(path[:end]))
            if line is not None:
                return line
        return 1

    def _table(self, keys: list[str], *, is_array: bool) -> Path:
        path: Path = ()
        for place, key in enumerate(keys):
            path = (*path, key)
            is_last = place == len(keys) - 1
            if is_last and is_array:
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path


def _keys(text: str) -> tuple[list[str], str]:
    """Return the dotted key that a text begins with, and what comes behind it."""
    keys: list[str] = []
    while (found := _KEY.match(text)) is not None:
        keys.append(found[1].strip("\"'") if found[1][0] in "\"'" else found[1])
        text = text[found.end() :]
        if not text.startswith("."):
            break
        text = text[1:]
    return keys, text


def _passed(line: str, open_brackets: int, quotes: str) -> tuple[int, str]:
    """Return how many brackets are open behind a line, and which quotes of many lines are."""
    while line:
        if quotes:
            _, found, line = line.partition(quotes)
            if not found:
                return open_brackets, quotes
            quotes = ""
        part = _PART.search(line)
        if part is None:
            break
        line = line[part.end() :]
        if part[0] in ('"""', "'''"):
            quotes = part[0]
        open_brackets += _OPENED.get(part[0], 0)
    return open_brackets, quotes

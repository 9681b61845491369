"""Exports as CSV: RFC 4180, UTF-8, a header, ISO times.

Spreadsheets take a text that begins with = + - or @ for a formula. Such a text gets an apostrophe before it, if anybody
but the exchange may have chosen it; a number never does.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from services.ledger.queries.listing import Listing
from services.ledger.queries.member import Kind, Shape, cell_names, render

MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"
ROWS_A_PART: Final = 1_000
"""Rows that are written at once."""
FORMULA_BEGINNINGS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_parts(shape: Shape, rows: Iterable[Mapping[str, Any]], listing: Listing) -> Iterator[bytes]:
    """Write rows as CSV, some kilobytes at a time; the first part is the header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(cell_names(shape))
    free = frozenset(member.name for member in shape if member.kind in (Kind.TEXT, Kind.OBJECT))
    for number, row in enumerate(rows, 1):
        cells = render(shape, row, listing).items()
        writer.writerow([_cell(value, is_free=name in free) for name, value in cells])
        if number % ROWS_A_PART == 0:
            yield _taken(text)
    yield _taken(text)


def _cell(value: Any, *, is_free: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        value = str(value) if isinstance(value, int) and not is_free else json.dumps(value)
    return f"'{value}" if is_free and value.startswith(FORMULA_BEGINNINGS) else value


def _taken(text: io.StringIO) -> bytes:
    found = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return found

"""Exports as CSV: RFC 4180, UTF-8, a header, ISO times.

Spreadsheets take a text that begins with = + - or @ for a formula. Such a text gets an apostrophe before it, if anybody
but the exchange may have chosen it; a number never does.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from services.ledger.queries.listing import Listing
from services.ledger.queries.member import Kind, Shape, cell_names, columns

MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"
ROWS_A_PART: Final = 1_000
"""Rows that are written at once."""
_FREE: Final = (Kind.TEXT, Kind.OBJECT)
FORMULA_BEGINNINGS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_FIRST: Final = frozenset(FORMULA_BEGINNINGS)


def csv_parts(shape: Shape, rows: Iterable[Mapping[str, Any]], listing: Listing) -> Iterator[bytes]:
    """Write rows as CSV, some kilobytes at a time; the first part is the header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(cell_names(shape))
    kinds = {member.name: member.kind for member in shape}
    remaining = iter(rows)
    while part := list(islice(remaining, ROWS_A_PART)):
        found = columns(shape, part, listing)
        cells = [_cells(values, kinds.get(name)) for name, values in found.items()]
        writer.writerows(zip(*cells, strict=True))
        yield _taken(text)
    yield _taken(text)


def _cells(values: list[Any], kind: Kind | None) -> list[Any]:
    """The library writes None as nothing, and whole numbers as they are."""
    if kind is Kind.FLAG:
        return ["true" if value else "false" for value in values]
    if kind is Kind.OBJECT:
        values = [json.dumps(value) for value in values]
    # No call of Python's own for a text: they are most of what there is.
    return [f"'{text}" if text and text[0] in _FIRST else text for text in values] if kind in _FREE else values


def _taken(text: io.StringIO) -> bytes:
    found = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return found

"""Text of COPY: what must be escaped is, wherever it stands."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.ledger.aio.table_writing import copy_text

_TEXTS = st.text(st.sampled_from("ab\t\n\r\\N'é"), max_size=4)
_ROWS = st.lists(st.tuples(_TEXTS, st.integers(-(2**63), 2**63 - 1), _TEXTS), min_size=1, max_size=4)
_MEANT = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


def read(text: str) -> list[list[str]]:
    """Read as PostgreSQL does."""
    rows, value, at = [[""]], "", 0
    while at < len(text):
        found = text[at]
        if found == "\\":
            at += 1
            rows[-1][-1] += _MEANT[text[at]]
        elif found == "\t":
            rows[-1].append("")
        elif found == "\n":
            rows.append([""])
        else:
            assert found != "\r", value
            rows[-1][-1] += found
        at += 1
    return rows


@given(rows=_ROWS)
def test_every_value_arrives_as_it_is(rows: list[tuple[Any, ...]]) -> None:
    assert read(copy_text(rows, 3)) == [[str(value) for value in row] for row in rows]


def test_a_tab_for_a_line_end_is_no_coincidence() -> None:
    """Counting alone would miss a tab in one row and one too few in another."""
    assert read(copy_text([("a\tb", 1)], 2)) == [["a\tb", "1"]]

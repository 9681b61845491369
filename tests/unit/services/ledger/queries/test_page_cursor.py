"""Cursors: what was written is read; nothing else reaches a database."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.queries.page_cursor import query_hash, read_cursor, write_cursor
from services.ledger.queries.parameter import CURSOR, INTEGER_MAX
from services.ledger.queries.problem import Problem

QUERY = query_hash("trades", "ann", {"instrument": "ACME"})
PLACE = (int, int, int)


@given(st.tuples(*[st.integers(0, INTEGER_MAX)] * 3))
def test_what_is_written_is_read(key: tuple[int, ...]) -> None:
    text = write_cursor(QUERY, key)
    assert CURSOR.read(text) == text
    assert read_cursor(text, QUERY, PLACE) == key


@given(st.binary(max_size=300) | st.text(max_size=60).map(str.encode))
def test_what_somebody_made_up_is_refused(data: bytes) -> None:
    for made in (data, QUERY + data):
        text = base64.urlsafe_b64encode(made).decode().rstrip("=")
        with contextlib.suppress(Problem):
            assert all(type(part) is int for part in read_cursor(text, QUERY, PLACE))


@pytest.mark.parametrize(
    "key",
    [
        *([1, 2], [1, 2, 3, 4], [1, 2, "3"], [1, 2, 3.0], [1, 2, True], [1, 2, None], [1, 2, 2**63], {"a": 1}, 1),
        *([1, 2, [3]], [1, 2, float("nan")]),
    ],
)
def test_keys_of_another_form(key: object) -> None:
    text = base64.urlsafe_b64encode(QUERY + json.dumps(key).encode()).decode().rstrip("=")
    with pytest.raises(Problem, match="cursor: is none of ours"):
        read_cursor(text, QUERY, PLACE)


@pytest.mark.parametrize("text", ["a\0b", "ä", "x" * 65, 5])
def test_texts_of_another_form(text: object) -> None:
    """PostgreSQL refuses a text with NUL: that would be our failure."""
    made = base64.urlsafe_b64encode(QUERY + json.dumps([text]).encode()).decode().rstrip("=")
    with pytest.raises(Problem, match="cursor: is none of ours"):
        read_cursor(made, QUERY, [str])


def test_the_query_is_path_user_and_parameters_but_for_the_page() -> None:
    assert query_hash("trades", "ann", {"instrument": "ACME", "limit": 5, "cursor": "x"}) == QUERY
    others = [
        ("orders", "ann", {"instrument": "ACME"}),
        ("trades", "bob", {"instrument": "ACME"}),
        ("trades", "ann", {}),
    ]
    assert QUERY not in [query_hash(*other) for other in others]

"""A value in a sentence: what it is, and never an error or a page of it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from openoutcry.wire.value_text import LETTERS_MAX, value_text


class Mute:
    """Cannot be written."""

    def __repr__(self) -> str:
        raise ValueError("no")


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("ACME", "'ACME'"),
        (b"x", "b'x'"),
        (5, "5"),
        (99.9, "99.9"),
        (math.nan, "nan"),
        (None, "None"),
        (True, "True"),
        ([1, "a"], "[1, 'a']"),
        ({"a": 1}, "{'a': 1}"),
        (2**70, "1180591620717411303424"),
        (10**5000, "a number of 16610 bits"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_small_ones_are_written_out(value: Any, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize("value", ["x" * 10**6, nested(1_000), {"a": nested(995)}, [5] * 1000, Mute(), "\ud800" * 99])
def test_large_deep_and_strange_ones_are_cut(value: Any) -> None:
    text = value_text(value)
    assert 0 < len(text) <= LETTERS_MAX
    text.encode()

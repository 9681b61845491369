"""The two ranges of close codes."""

from __future__ import annotations

import pytest

from openoutcry.wire.close_codes import CloseCode, close_reason, may_reconnect


@pytest.mark.parametrize("code", CloseCode)
def test_every_code_is_in_one_of_the_two_ranges(code: CloseCode) -> None:
    assert 4000 <= code <= 4999
    assert may_reconnect(code) is (code < 4500)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1012])
def test_websocket_s_own_codes_allow_a_return(code: int) -> None:
    assert may_reconnect(code)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("a" * 123, "a" * 123),
        ("a" * 124, "a" * 123),
        ("日" * 60, "日" * 41),
        ("a" + "日" * 60, "a" + "日" * 40),
        ("😀" * 31, "😀" * 30),
        ("\ud800", "?"),
    ],
)
def test_a_reason_is_cut_by_bytes_between_characters(text: str, kept: str) -> None:
    """Cut by letters, 100 of three bytes each were 300: libraries raise for a reason above 123."""
    assert close_reason(text) == kept
    assert len(close_reason(text).encode()) <= 123

"""The two ranges of close codes."""

from __future__ import annotations

import pytest

from openoutcry.wire.close_codes import REASON_BYTES_MAX, CloseCode, close_reason, may_reconnect


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


@pytest.mark.parametrize("text", ["", "a" * 123, "short", "€" * 41])
def test_what_fits_stays(text: str) -> None:
    assert close_reason(text) == text


@pytest.mark.parametrize("letter", ["a", "é", "€", "𐍈"])
@pytest.mark.parametrize("before", range(4))
def test_what_is_too_long_is_cut_to_whole_letters(letter: str, before: int) -> None:
    """Cut by letters, 120 of three bytes ended the gateway's close in a traceback."""
    text = "x" * before + letter * 200
    cut = close_reason(text)
    assert text.startswith(cut)
    assert REASON_BYTES_MAX - len(letter.encode()) < len(cut.encode()) <= REASON_BYTES_MAX


def test_what_is_no_unicode_is_replaced() -> None:
    """JSON can bring half of a surrogate pair."""
    assert close_reason("a\ud800b") == "a?b"

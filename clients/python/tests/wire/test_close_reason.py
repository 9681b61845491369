"""A close frame's reason is 123 bytes, not letters."""

from __future__ import annotations

import pytest

from openoutcry.wire.close_reason import REASON_BYTES_MAX, close_reason


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

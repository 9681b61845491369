"""The engine's last word on a book, with digests of our own."""

from __future__ import annotations

import pytest

from openoutcry.wire import digest
from openoutcry.wire.digest import book_digest
from openoutcry.wire.types import MarketState
from outcry.load.aio.engine_books import engine_book
from shared.logs.snapshots import BookState, encode_book_state

BIDS = [[100 - number, number + 1, 1] for number in range(30)]
ASKS = [[101 + number, number + 1, 1] for number in range(30)]
STATE = BookState("ACME", 7, "1-5", 41, 0, BIDS, ASKS, 0, 0, 0, 0, 0, 0, 0, MarketState.OPEN, "", 0, 0)


def test_book_and_windows_have_the_digests_of_their_levels() -> None:
    """Of the levels, whatever the snapshot says of itself."""
    found = engine_book(encode_book_state(STATE))
    assert (found.epoch, found.seq) == (7, 41)
    levels = [[(price, lots) for price, lots, _ in side] for side in (BIDS, ASKS)]
    assert found.digest_of(0) == book_digest(*levels)
    for depth in (5, 10, 20, 50):
        assert found.digest_of(depth) == book_digest(levels[0][:depth], levels[1][:depth])
    assert len({found.digest_of(depth) for depth in (0, 5, 10, 20)}) == 4


def test_a_fault_in_the_exchange_s_digest_is_none_of_the_judge_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same fault on both sides, every book was right."""
    before = engine_book(encode_book_state(STATE)).digest
    monkeypatch.setattr(digest, "mix", lambda x: x)
    digest.level_digest.cache_clear()
    try:
        assert engine_book(encode_book_state(STATE)).digest == before
    finally:
        monkeypatch.undo()
        digest.level_digest.cache_clear()

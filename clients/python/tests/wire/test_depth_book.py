"""The replica by example; `tests/property/test_depth_book.py` has the proof."""

from __future__ import annotations

import pytest

from openoutcry.wire.depth_book import DepthBook, is_crossed
from openoutcry.wire.digest import book_digest
from openoutcry.wire.messages import Delta, Snapshot
from openoutcry.wire.sequence import Verdict

BIDS = ((100, 5), (99, 7))
ASKS = ((101, 3), (105, 9))


def held() -> DepthBook:
    book = DepthBook("ACME")
    snapshot = Snapshot(
        "ACME", 7, 12, 1_000, 0, [(p, q, 1) for p, q in BIDS], [(p, q, 1) for p, q in ASKS], book_digest(BIDS, ASKS)
    )
    assert book.load(snapshot) is Verdict.APPLY
    return book


def delta(prev_seq: int, seq: int, bids: list[tuple[int, int]], digest: int) -> Delta:
    return Delta("ACME", prev_seq, seq, 2_000, 0, bids, [], digest)


def test_a_new_book_is_empty() -> None:
    book = DepthBook("ACME")
    assert (book.seq, book.digest, book.bids.best(), book.asks.best(), len(book.bids)) == (0, 0, 0, 0, 0)


def test_levels_come_best_first() -> None:
    book = held()
    assert book.bids.levels() == [(100, 5), (99, 7)]
    assert book.asks.levels() == [(101, 3), (105, 9)]
    assert book.bids.prices(1) == [100]
    assert book.asks.levels(1) == [(101, 3)]
    assert book.bids.prices(10) == [100, 99]


def test_quantities_replace_and_zero_removes() -> None:
    book = held()
    levels = ((101, 3), (105, 9))
    applied = book.apply(delta(12, 14, [(100, 0), (98, 4), (97, 0)], book_digest(((99, 7), (98, 4)), levels)))
    assert applied is Verdict.APPLY
    assert book.bids.levels() == [(99, 7), (98, 4)]
    assert (book.seq, book.time) == (14, 2_000)
    book.check_invariants()


def test_a_gap_leaves_the_book_as_it_was() -> None:
    book = held()
    assert book.apply(delta(13, 14, [(100, 0)], 0)) is Verdict.GAP
    assert (book.seq, book.bids.best()) == (12, 100)


def test_a_wrong_digest_is_told_after_applying() -> None:
    book = held()
    assert book.apply(delta(12, 13, [(100, 0)], 1)) is Verdict.CORRUPT
    assert book.seq == 13


def test_a_snapshot_replaces_all_even_by_an_older_one() -> None:
    """A new epoch's numbers are not comparable, so a snapshot is believed whatever its seq."""
    book = held()
    assert book.load(Snapshot("ACME", 8, 1, 0, 0, [], [(7, 1, 1)], book_digest([], [(7, 1)]))) is Verdict.APPLY
    assert (book.epoch, book.seq, book.bids.levels(), book.asks.levels()) == (8, 1, [], [(7, 1)])


def test_a_damaged_snapshot_is_corrupt() -> None:
    book = held()
    assert book.load(Snapshot("ACME", 8, 1, 0, 0, [], [(7, 1, 1)], 12)) is Verdict.CORRUPT


def test_check_invariants_sees_a_damaged_side() -> None:
    book = held()
    book.bids.quantities[42] = 1
    with pytest.raises(AssertionError):
        book.check_invariants()


def test_a_book_before_its_first_snapshot_is_of_no_time() -> None:
    book = DepthBook("ACME")
    assert (book.epoch, book.seq, book.time, book.digest) == (0, 0, 0, 0)


def test_a_book_is_crossed_when_its_best_prices_reach_each_other() -> None:
    """An empty side crosses nothing."""
    assert [is_crossed(*best) for best in ((99, 100), (100, 100), (101, 100))] == [False, True, True]
    assert not any(is_crossed(*best) for best in ((0, 0), (100, 0), (0, 100)))

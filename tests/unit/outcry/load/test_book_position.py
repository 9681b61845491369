"""The client's rule, for one user and one book."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.digest import book_digest
from openoutcry.wire.messages import Snapshot
from outcry.load.book_position import BookHealth, BookPosition
from outcry.load.counts import LoadCounts

EPOCH = 99


def snapshot(seq: int = 10, *, digest: int | None = None) -> Snapshot:
    bids, asks = [[100, 5, 1]], [[102, 7, 2]]
    right = book_digest([(100, 5)], [(102, 7)])
    return Snapshot("ACME", EPOCH, seq, 0, 0, bids, asks, right if digest is None else digest)


def delta(prev_seq: int, seq: int, quantity: int = 6, *, digest: int | None = None) -> list[Any]:
    right = book_digest([(100, quantity)], [(102, 7)])
    return [4, "ACME", prev_seq, seq, 0, 0, [[100, quantity]], [], right if digest is None else digest]


@pytest.fixture
def counts() -> LoadCounts:
    return LoadCounts()


@pytest.fixture(params=[False, True], ids=["counts", "verifies"])
def book(request: pytest.FixtureRequest, counts: LoadCounts) -> BookPosition:
    return BookPosition("ACME", counts, verifies=request.param)


@pytest.fixture
def verifying(counts: LoadCounts) -> BookPosition:
    return BookPosition("ACME", counts, verifies=True)


def test_waits_for_a_snapshot(book: BookPosition, counts: LoadCounts) -> None:
    """A change of an unknown book means nothing."""
    assert not book.take_delta(delta(10, 11))
    assert book.health is BookHealth.WAITING
    assert counts.gaps_seen == 0


def test_applies_what_follows(book: BookPosition, counts: LoadCounts) -> None:
    book.take_snapshot(snapshot(10))
    assert book.take_delta(delta(10, 11))
    assert book.take_delta(delta(11, 15))
    assert (book.seq, counts.deltas, counts.updates) == (15, 2, 5)


def test_applies_a_range_that_straddles_its_place(book: BookPosition, counts: LoadCounts) -> None:
    """Quantities are absolute; what is new in it is what counts as delivered."""
    book.take_snapshot(snapshot(10))
    assert book.take_delta(delta(8, 12))
    assert (book.seq, counts.updates) == (12, 2)


def test_ignores_what_it_knows(book: BookPosition, counts: LoadCounts) -> None:
    book.take_snapshot(snapshot(10))
    assert not book.take_delta(delta(8, 10))
    assert (book.seq, counts.duplicates, counts.gaps_seen) == (10, 1, 0)
    assert book.health is BookHealth.WHOLE


def test_a_gap_makes_it_stale_until_a_snapshot(book: BookPosition, counts: LoadCounts) -> None:
    book.take_snapshot(snapshot(10))
    assert not book.take_delta(delta(11, 12))
    assert book.health is BookHealth.STALE
    assert not book.take_delta(delta(12, 13))
    assert (counts.gaps_seen, counts.gaps_recovered) == (1, 0)
    book.take_snapshot(snapshot(13))
    assert book.health is BookHealth.WHOLE
    assert (counts.gaps_seen, counts.gaps_recovered) == (1, 1)


def test_a_heartbeat_ahead_of_it_reveals_a_lost_tail(book: BookPosition, counts: LoadCounts) -> None:
    """Without it, a book whose last change was lost would look whole for ever."""
    book.take_snapshot(snapshot(10))
    book.take_heartbeat(10)
    assert book.health is BookHealth.WHOLE
    book.take_heartbeat(11)
    assert book.health is BookHealth.STALE
    assert counts.gaps_seen == 1


def test_a_heartbeat_behind_it_is_normal(book: BookPosition) -> None:
    """A snapshot may be newer than what the channel has sent."""
    book.take_snapshot(snapshot(10))
    book.take_heartbeat(7)
    assert book.health is BookHealth.WHOLE


def test_a_wrong_digest_makes_it_stale(verifying: BookPosition, counts: LoadCounts) -> None:
    verifying.take_snapshot(snapshot(10))
    verifying.take_delta(delta(10, 11, digest=1))
    assert verifying.health is BookHealth.STALE
    assert (counts.digests_checked, counts.digests_wrong, counts.gaps_seen) == (2, 1, 1)


def test_a_corrupt_snapshot_leaves_it_stale(verifying: BookPosition, counts: LoadCounts) -> None:
    verifying.take_snapshot(snapshot(10, digest=1))
    assert verifying.health is BookHealth.STALE
    assert counts.digests_wrong == 1


def test_answers_with_its_own_place_and_the_levels_it_was_given(verifying: BookPosition) -> None:
    """The final comparison must see what the user held before asking, not what asking repaired."""
    verifying.take_snapshot(snapshot(10))
    verifying.take_delta(delta(10, 11))
    told = verifying.answer("ann", snapshot(12))
    held = book_digest([(100, 6)], [(102, 7)])
    assert (told.epoch, told.seq, told.digest, told.replica_digest) == (EPOCH, 11, held, held)
    assert (told.asked_epoch, told.asked_seq) == (EPOCH, 12)
    assert told.asked_digest == book_digest([(100, 5)], [(102, 7)])


def test_the_digest_of_an_answer_is_computed_not_copied(verifying: BookPosition) -> None:
    """A gateway that sends wrong levels with the right digest is caught."""
    verifying.take_snapshot(snapshot(10))
    told = verifying.answer("ann", snapshot(10, digest=12345))
    assert told.asked_digest == book_digest([(100, 5)], [(102, 7)])

from __future__ import annotations

import pytest

from services.gateway import history
from services.gateway.history import BookHistory


def test_names_each_touched_price_once_latest_first() -> None:
    """A merged delta must name a level once, whatever happened to it in between."""
    past = BookHistory(0, 0)
    past.record(1, [(100, 5)], [(101, 1)], 11)
    past.record(2, [(99, 5)], [], 12)
    past.record(3, [(100, 0)], [], 13)
    assert past.changed_since(0) == ([100, 99], [101])
    assert past.changed_since(1) == ([100, 99], [])
    assert past.changed_since(2) == ([100], [])
    assert past.changed_since(3) == ([], [])


def test_holds_only_seqs_it_passed_with_the_digest_it_had() -> None:
    """A client that guesses, or stands on another history, must not be resumed."""
    past = BookHistory(4, 44)
    past.record(6, [(100, 5)], [], 66)
    assert past.holds(4, 44)
    assert past.holds(6, 66)
    assert not past.holds(5, 55)
    assert not past.holds(6, 65)
    assert not past.holds(3, 0)


def test_knows_nothing_before_its_beginning() -> None:
    past = BookHistory(10, 1)
    assert past.changed_since(9) is None
    assert past.changed_since(10) == ([], [])


def test_forgets_the_longest_untouched_half_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded; what was forgotten is never passed off as unchanged."""
    monkeypatch.setattr(history, "CHANGED_PRICES_MAX", 4)
    past = BookHistory(0, 0)
    for seq in range(1, 6):
        past.record(seq, [(100 + seq, 1)], [], seq)
    assert past.floor == 2
    assert past.changed_since(1) is None
    assert past.changed_since(2) == ([105, 104, 103], [])
    assert not past.holds(1, 1)


def test_forgets_the_older_half_of_the_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "DIGESTS_MAX", 4)
    past = BookHistory(0, 0)
    for seq in range(1, 5):
        past.record(seq, [(100, seq)], [], seq)
    assert not past.holds(1, 1)
    assert past.holds(4, 4)

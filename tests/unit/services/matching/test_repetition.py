"""The two windows of what has been seen."""

from __future__ import annotations

import pytest

from services.matching import repetition
from services.matching.repetition import ClientOrderIds, Sources


def test_numbers_of_a_source_only_rise() -> None:
    """Equal or lower is a repetition; gaps are the writer's business."""
    sources = Sources()
    assert [sources.advance("a", number) for number in (1, 1, 3, 2, 4)] == [True, False, True, False, True]
    assert sources.advance("b", 1)
    assert sources.rows() == [("a", 4), ("b", 1)]


def test_the_source_silent_longest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the order of the log, which all engines share; a skipped command does not count as speaking."""
    monkeypatch.setattr(repetition, "SOURCES_MAX", 2)
    sources = Sources()
    for source, number in (("a", 1), ("b", 1), ("a", 2), ("b", 1), ("c", 1)):
        sources.advance(source, number)
    assert sources.rows() == [("a", 2), ("c", 1)]


def test_the_oldest_id_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window is bounded and survives its way through a checkpoint."""
    monkeypatch.setattr(repetition, "CLIENT_ORDER_IDS_MAX", 2)
    ids = ClientOrderIds()
    for name in "xyz":
        ids.add(("ann", name))
    again = ClientOrderIds(ids.rows())
    for window in (ids, again):
        assert [("ann", name) in window.known for name in "xyz"] == [False, True, True]
        assert ("bob", "y") not in window.known

"""What a leader can give back to a store that lost it."""

from __future__ import annotations

import pytest

from services.matching.recovery import sent_packets
from services.matching.recovery.sent_packets import KeptPackets, SentPacket
from shared.logs.packet import FeedId


def ring(positions: range) -> KeptPackets:
    kept = KeptPackets()
    for position in positions:
        kept.add(SentPacket(FeedId(7, position), FeedId(7, position - 1), b"x" * 10, 0))
    return kept


def test_gives_back_what_came_after() -> None:
    """From the entry that the store still has, oldest first."""
    kept = ring(range(1, 6))
    assert [entry.feed_id.position for entry in kept.after(FeedId(7, 3)) or ()] == [4, 5]
    assert [entry.feed_id.position for entry in kept.after(FeedId(7, 0)) or ()] == [1, 2, 3, 4, 5]
    assert kept.after(FeedId(7, 5)) == []


def test_knows_what_it_does_not_know() -> None:
    """An entry that it never followed cannot be healed from: another history, or too long ago."""
    kept = ring(range(5, 9))
    assert kept.after(FeedId(7, 3)) is None
    assert kept.after(FeedId(6, 99)) is None
    assert KeptPackets().after(FeedId(7, 3)) is None


@pytest.mark.parametrize(("limit", "value"), [("KEPT_PACKETS_MAX", 3), ("KEPT_BYTES_MAX", 30)])
def test_is_bounded_in_packets_and_bytes(monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    """The oldest goes first."""
    monkeypatch.setattr(sent_packets, limit, value)
    kept = ring(range(1, 10))
    assert [entry.feed_id.position for entry in kept.after(FeedId(7, 6)) or ()] == [7, 8, 9]
    assert kept.after(FeedId(7, 5)) is None


def test_refuses_a_broken_chain() -> None:
    """A hole would be healed into the feed."""
    kept = ring(range(1, 3))
    with pytest.raises(AssertionError):
        kept.add(SentPacket(FeedId(7, 9), FeedId(7, 8), b"", 0))

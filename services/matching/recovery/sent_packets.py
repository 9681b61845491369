"""The packets that a leader has published last, kept in case the store loses them.

Owns one bounded ring. Beyond either limit the oldest packet is forgotten. A store that has lost more than the ring
holds cannot be restored, and its readers must start anew.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from shared.logs.packet import FeedId

KEPT_PACKETS_MAX: Final = 8_192
KEPT_BYTES_MAX: Final = 64 * 1024 * 1024


class SentPacket(NamedTuple):
    """One packet as it was appended to the feed, or is to be."""

    feed_id: FeedId
    prev_id: FeedId
    """The entry before it."""
    packet: bytes
    published_us: int
    """Wall clock right before it was first sent, µs since 1970."""


class KeptPackets:
    """The ring; unbroken, since every entry follows the one before."""

    def __init__(self) -> None:
        self._entries: deque[SentPacket] = deque()
        self._bytes = 0

    def add(self, entry: SentPacket) -> None:
        """Keep an entry that has been appended; amortised O(1)."""
        assert not self._entries or entry.prev_id == self._entries[-1].feed_id, entry
        self._entries.append(entry)
        self._bytes += len(entry.packet)
        while len(self._entries) > KEPT_PACKETS_MAX or self._bytes > KEPT_BYTES_MAX:
            self._bytes -= len(self._entries.popleft().packet)

    def after(self, feed_id: FeedId) -> list[SentPacket] | None:
        """Return what came after an entry, oldest first; None if the ring does not reach back to it. O(entries)."""
        if self._entries and feed_id == self._entries[-1].feed_id:
            return []
        later = [entry for entry in self._entries if entry.feed_id > feed_id]
        return later if later and later[0].prev_id == feed_id else None

"""A followed book and whether it can be vouched for.

Owns the client's rule for one book: what verifies it and what makes it stale. A book is verified by a snapshot or an
applied delta whose digest is right, and by nothing else. A book that was verified, and then only lost its connection,
is confirmed when the server names the same position. Leaves asking for a snapshot to the session. Source:
docs/protocol.md, "The client's rule".
"""

from __future__ import annotations

import enum
from typing import Final

from openoutcry.events import StaleReason
from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.messages import Delta, Snapshot
from openoutcry.wire.sequence import Verdict


class Finding(enum.Enum):
    """What a message did to the book."""

    NOTHING = enum.auto()
    VERIFIED = enum.auto()
    """It is verified at a new position, or verified again."""
    BROKEN = enum.auto()
    """It has just become stale, and only a snapshot can help."""


_UNCONFIRMED: Final = (StaleReason.DISCONNECTED, StaleReason.FEED)
"""Right where it stands as far as we know; the server has only to say that this is where it stands too."""


class BookView:
    """
    One followed book.

    Args:
        instrument: Symbol.
        depth: Levels a side; 0 is the whole book.
        interval_ms: Shortest time between two updates that was asked for.
    """

    __slots__ = ("book", "changes", "interval_ms", "recoveries", "stale_reason")

    def __init__(self, instrument: str, depth: int = 0, interval_ms: int = 0) -> None:
        self.book = DepthBook(instrument, depth)
        self.interval_ms = interval_ms
        self.stale_reason: StaleReason | None = StaleReason.LOADING
        """None while the book is verified."""
        self.changes = 0
        """Snapshots and deltas applied and verified."""
        self.recoveries = 0
        """Times that it became verified again after having been stale."""

    @property
    def is_stale(self) -> bool:
        """Whether the client cannot vouch for what it holds."""
        return self.stale_reason is not None

    @property
    def needs_snapshot(self) -> bool:
        """Whether only a snapshot (or a delta that happens to repair it) can bring it back in sync."""
        return self.stale_reason is not None and self.stale_reason not in _UNCONFIRMED

    def position(self) -> tuple[int, int, int] | None:
        """Return (epoch, seq, digest) to resume from, or None if what is held is not right."""
        if self.stale_reason in (StaleReason.LOADING, StaleReason.CORRUPT):
            return None
        return self.book.epoch, self.book.seq, self.book.digest

    def on_snapshot(self, snapshot: Snapshot) -> Finding:
        """Replace what is held; one of another depth is not for this view."""
        if snapshot.depth != self.book.depth:
            return Finding.NOTHING
        if self.book.load(snapshot) is Verdict.CORRUPT:
            return self._break(StaleReason.CORRUPT)
        return self._verify(changes=1)

    def on_delta(self, delta: Delta) -> Finding:
        """Apply what follows, ignore what is known, notice what is missing."""
        if delta.depth != self.book.depth or self.stale_reason is StaleReason.LOADING:
            return Finding.NOTHING
        verdict = self.book.apply(delta)
        if verdict is Verdict.APPLY:
            return self._verify(changes=1)
        if verdict is Verdict.DUPLICATE:
            return self._confirm(delta.seq == self.book.seq and delta.digest == self.book.digest)
        return self._break(StaleReason.GAP if verdict is Verdict.GAP else StaleReason.CORRUPT)

    def on_heartbeat(self, seq: int) -> Finding:
        """Compare with the last seq that the server sent on this connection."""
        if self.stale_reason is StaleReason.LOADING:
            return Finding.NOTHING
        if seq > self.book.seq:
            return self._break(StaleReason.BEHIND)
        return self._confirm(seq == self.book.seq)

    def lose(self, reason: StaleReason) -> bool:
        """Note that the connection or the gateway's feed is gone; True if that is news."""
        if self.stale_reason in (StaleReason.LOADING, StaleReason.CORRUPT, reason):
            return False
        self.stale_reason = reason
        return True

    def end(self, reason: StaleReason) -> None:
        """Note that the book is followed no more: from now on nothing will be heard of it."""
        self.stale_reason = reason

    def _confirm(self, stands_where_the_server_stands: bool) -> Finding:  # noqa: FBT001 - the sentence is the point
        if stands_where_the_server_stands and self.stale_reason in _UNCONFIRMED:
            return self._verify(changes=0)
        return Finding.NOTHING

    def _verify(self, changes: int) -> Finding:
        if self.is_stale and self.changes:
            self.recoveries += 1
        self.stale_reason = None
        self.changes += changes
        return Finding.VERIFIED

    def _break(self, reason: StaleReason) -> Finding:
        """Corruption outranks a gap: a book that lacks changes can be resumed, a wrong one cannot."""
        known = self.needs_snapshot
        if self.stale_reason is not StaleReason.CORRUPT:
            self.stale_reason = reason
        return Finding.NOTHING if known else Finding.BROKEN

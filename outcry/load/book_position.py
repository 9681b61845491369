"""Where one user stands in one book: position and digest for every user, the whole book for those who verify.

Owns the client's rule for one book (docs/protocol.md, "The client's rule"): when it is stale, and when in sync again.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.digest import book_digest
from openoutcry.wire.messages import Snapshot
from openoutcry.wire.sequence import Verdict, classify
from outcry.load.counts import LoadCounts


class BookHealth(enum.Enum):
    """Whether a user may trust a book."""

    WAITING = enum.auto()
    """No snapshot has come yet."""
    WHOLE = enum.auto()
    STALE = enum.auto()
    """Changes are missing; a snapshot is under way."""


# An enumeration's members are slow to look up, and one is needed for every delta.
_WHOLE: Final = BookHealth.WHOLE


class FinalBook(NamedTuple):
    """What one user says of one book at the end."""

    user: str
    instrument: str
    epoch: int
    seq: int
    digest: int
    """As sent by the last message before the question."""
    replica_digest: int | None
    """Of the levels that a verifying user holds, before the question; None for others."""
    asked_epoch: int
    asked_seq: int
    asked_digest: int
    """Computed from the levels of the snapshot asked for."""
    depth: int = 0
    """Levels a side that all of these digests are about; 0 is all."""


class BookPosition:
    """
    One user's place in one book.

    Args:
        instrument: Symbol.
        counts: Where to count.
        verifies: Keep the whole book and check every digest.
        depth: Levels a side that are followed; 0 is all.
    """

    __slots__ = ("_counts", "depth", "digest", "epoch", "health", "instrument", "replica", "seq")

    def __init__(self, instrument: str, counts: LoadCounts, *, verifies: bool, depth: int = 0) -> None:
        self.instrument = instrument
        self.depth = depth
        self.health = BookHealth.WAITING
        self.epoch = 0
        self.seq = 0
        self.digest = 0
        self.replica = DepthBook(instrument, depth) if verifies else None
        self._counts = counts

    def take_delta(self, message: Sequence[Any]) -> bool:
        """
        Take a delta as it stands on the wire; True if it was applied.

        A book that is not in sync ignores deltas: the snapshot under way makes up for them.
        """
        if self.health is not _WHOLE:
            return False
        mine, seq = self.seq, message[3]
        # `classify` says APPLY, spelt out: this runs some 60,000 times a second.
        if message[2] <= mine < seq:
            counts = self._counts
            counts.deltas += 1
            counts.updates += seq - mine
            self.seq = seq
            self.digest = message[8]
            if self.replica is not None:
                self._check(self.replica.advance(seq, message[4], message[6], message[7], message[8]))
            return True
        if classify(mine, message[2], seq) is Verdict.DUPLICATE:
            self._counts.duplicates += 1
        else:
            self._call_stale()
        return False

    def take_resume(self, message: Sequence[Any]) -> None:
        """Take the first delta of another connection: it leads on from the position that was named, or confirms it."""
        if message[2] == message[3] == self.seq:
            if message[8] == self.digest:
                self._counts.resumes += 1
            else:
                self._call_stale()
        elif self.take_delta(message):
            self._counts.resumes += 1

    def take_snapshot(self, snapshot: Snapshot) -> None:
        """Start from a snapshot."""
        self._counts.snapshots += 1
        self.epoch, self.seq, self.digest = snapshot.epoch, snapshot.seq, snapshot.digest
        if self.health is BookHealth.STALE:
            self._counts.gaps_recovered += 1
        self.health = BookHealth.WHOLE
        if self.replica is not None:
            self._check(self.replica.load(snapshot))

    def take_heartbeat(self, seq: int) -> None:
        """Compare with the last seq that was sent on this connection: a tail may be lost."""
        if self.health is BookHealth.WHOLE and seq > self.seq:
            self._call_stale()

    def answer(self, user: str, asked: Snapshot) -> FinalBook:
        """Say how the book stood before the snapshot that was asked for, and what that snapshot says."""
        replica_digest = None
        if self.replica is not None:
            replica_digest = book_digest(self.replica.bids.levels(), self.replica.asks.levels())
        bids, asks = ([(level[0], level[1]) for level in side] for side in (asked.bids, asked.asks))
        asked_digest = book_digest(bids, asks)
        self._counts.digests_checked += 1
        if asked_digest != asked.digest:
            self._counts.digests_wrong += 1
        return FinalBook(
            user, self.instrument, self.epoch, self.seq, self.digest, replica_digest,
            asked.epoch, asked.seq, asked_digest, self.depth,
        )  # fmt: skip

    def _check(self, verdict: Verdict) -> None:
        self._counts.digests_checked += 1
        if verdict is Verdict.CORRUPT:
            self._counts.digests_wrong += 1
            self._call_stale()

    def _call_stale(self) -> None:
        self._counts.gaps_seen += 1
        self.health = BookHealth.STALE

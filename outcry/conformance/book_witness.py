"""Follows one book, or one window of it, and reports at once when it cannot be the exchange's.

Stricter than a client needs to be: a client tolerates what the sequence rule tolerates, a witness also checks the
form of every snapshot and that a window never holds more than it may. Its book and its digest are its own
(`plain_book`), not those that the exchange under test may run too.
"""

from __future__ import annotations

from openoutcry.wire.messages import Delta, Level, Snapshot
from outcry.conformance.expectation import Failed, expect, expect_equal
from outcry.conformance.plain_book import PlainBook


class BookWitness:
    """
    A book as it is sent.

    Args:
        instrument: Symbol.
        depth: Levels a side that were asked for; 0 is all of them.
    """

    def __init__(self, instrument: str, depth: int = 0) -> None:
        self.book = PlainBook(instrument, depth)
        self.snapshots = 0
        self.deltas = 0

    @property
    def position(self) -> tuple[int, int, int]:
        """Epoch, seq and digest: what a resume names."""
        return self.book.epoch, self.book.seq, self.book.digest

    def hear(self, message: Snapshot | Delta) -> None:
        """
        Take the next message of this book.

        Raises:
            Failed: If it does not follow, is not of the form promised, or its digest is wrong.
        """
        expect_equal(message.instrument, self.book.instrument, "instrument")
        expect_equal(message.depth, self.book.depth, f"depth of the {type(message).__name__.lower()}")
        if isinstance(message, Snapshot):
            self._load(message)
        else:
            self._apply(message)
        depth = self.book.depth
        for name, side in (("bids", self.book.bids), ("asks", self.book.asks)):
            expect(not depth or len(side) <= depth, f"the window of {depth} levels holds {len(side)} {name}")

    def levels(self, depth: int = 0) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return bids and asks as (price, quantity), best first."""
        bids, asks = sorted(self.book.bids.items(), reverse=True), sorted(self.book.asks.items())
        return (bids[:depth], asks[:depth]) if depth else (bids, asks)

    def _load(self, snapshot: Snapshot) -> None:
        check_snapshot(snapshot)
        self.snapshots += 1
        self.book.load(snapshot.epoch, snapshot.seq, snapshot.bids, snapshot.asks)
        if snapshot.digest != self.book.digest:
            raise Failed(
                f"snapshot at seq {snapshot.seq}: digest {snapshot.digest}, its levels make {self.book.digest}"
            )

    def _apply(self, delta: Delta) -> None:
        expect(self.snapshots, f"a delta ({delta.prev_seq}, {delta.seq}] came before any snapshot")
        self.deltas += 1
        if delta.prev_seq > delta.seq:
            raise Failed(f"a delta's range runs backwards: ({delta.prev_seq}, {delta.seq}]")
        if delta.seq > self.book.seq:
            if delta.prev_seq > self.book.seq:
                raise Failed(
                    f"gap: the book is at seq {self.book.seq}, the delta covers ({delta.prev_seq}, {delta.seq}]"
                )
            self.book.change(delta.seq, delta.bids, delta.asks)
        if delta.seq == self.book.seq:  # the empty delta of a resume, too
            expect_equal(delta.digest, self.book.digest, f"digest after the delta ({delta.prev_seq}, {delta.seq}]")


def check_snapshot(snapshot: Snapshot) -> None:
    """
    Check a snapshot's form: `[price, quantity, orders]`, best first, within its depth.

    Raises:
        Failed: Names the rule.
    """
    what = f"snapshot of {snapshot.instrument} at seq {snapshot.seq}"
    for name, levels, is_falling in (("bids", snapshot.bids, True), ("asks", snapshot.asks, False)):
        prices = [level[0] for level in levels]
        expect(all(map(_is_whole, levels)), f"{what}: a level of {name} is not [price, quantity, orders], all above 0")
        expect_equal(prices, sorted(set(prices), reverse=is_falling), f"{what}: {name}, best first")
        expect(not snapshot.depth or len(levels) <= snapshot.depth, f"{what}: {len(levels)} {name}, wider than asked")


def _is_whole(level: Level) -> bool:
    return len(level) >= 3 and all(type(number) is int and number > 0 for number in level[:3])

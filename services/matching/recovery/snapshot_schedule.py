"""Which snapshots go with a packet, and from where a reader of them must go on in the feed.

Owns the rhythm. An instrument's snapshot comes at most once a second or every 1,000 packets, and only after a change.
One packet carries as many snapshots as take some milliseconds, those first whose change has waited longest. Accounts
and checkpoint come every few seconds or every 10,000 packets. These two are made beside the market, as it is after one
packet, and stored with a later one. So are the snapshots of books that are too deep for one packet. Owns `cover`: every
packet up to it is contained in the stored snapshots and accounts. Time is an argument, in monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from shared.logs.packet import FeedId, Packet

SNAPSHOT_PACKETS_MAX: Final = 1_000
"""An instrument that keeps changing is snapshotted at least this often, in packets."""
CHECKPOINT_PACKETS_MAX: Final = 10_000
"""Likewise accounts and checkpoint: then the next ones are begun. A small part of the feed's retention."""

LEVELS_PER_PACKET_MAX: Final = 5_000
"""Price levels in the snapshots that go with one packet, some 3 ms. The others' go with the packets that follow: of a
thousand instruments that all trade, all would be due at the same packet. A book that alone has more is *deep*: its
snapshot is made beside the market, with the next checkpoint."""
LEVELS_A_SNAPSHOT: Final = 50
"""What a snapshot costs beside its levels, in levels."""

_NEVER: Final = float("-inf")
_EVER: Final = float("inf")


class _Place(NamedTuple):
    """A place in the feed."""

    feed_id: FeedId
    packets: int
    """Observed up to there."""


class _Subject:
    """One thing that is stored as one value: a book, or the accounts."""

    __slots__ = ("packets", "stored_at", "unstored_after")

    def __init__(self) -> None:
        self.unstored_after: _Place | None = None
        """The packet before the first change that is not stored; None if all are."""
        self.stored_at = _NEVER
        self.packets = 0
        """Packets with changes since it was stored."""

    def changed(self, after: _Place) -> None:
        if self.unstored_after is None:
            self.unstored_after = after
        self.packets += 1

    def stored(self, now: float) -> None:
        self.unstored_after = None
        self.stored_at = now
        self.packets = 0


class Due:
    """What is to be stored with a packet."""

    __slots__ = ("cover", "everything", "instruments", "listing", "uncovered")

    def __init__(
        self, instruments: list[str], cover: FeedId, uncovered: int, *, listing: bool, everything: bool
    ) -> None:
        self.instruments = instruments
        """Symbols whose snapshots are due."""
        self.cover = cover
        """Holds once all of this is stored."""
        self.uncovered = uncovered
        """Packets after `cover`, which the feed must keep."""
        self.listing = listing
        self.everything = everything
        """Checkpoint and accounts too, as the market stands now."""


class SnapshotSchedule:
    """
    The rhythm of one leader.

    Args:
        snapshot_interval_s: Shortest time between two snapshots of an instrument.
        checkpoint_interval_s: Time between two checkpoints.
    """

    def __init__(self, snapshot_interval_s: float, checkpoint_interval_s: float) -> None:
        self._snapshot_interval_s = snapshot_interval_s
        self._checkpoint_interval_s = checkpoint_interval_s
        self._books: dict[str, _Subject] = {}
        self._unstored: dict[str, _Subject] = {}  # those of _books with changes that are not stored, by first change
        self._lost: dict[str, _Subject] = {}  # to be stored though they may not have changed
        self._quiet_until = _NEVER  # none of _unstored is due before, monotonic seconds
        self._accounts = _Subject()
        self._making: dict[str, None] = {}  # books whose snapshots are being made with the checkpoint
        self._made_after: _Place | None = None  # the first `unstored_after` of all that is being made with it
        self._checkpoint_wanted = False
        self._everything = True
        self._listing = False
        self._packets = 0
        self._packets_before = 0  # when the last checkpoint was begun

    def everything(self) -> None:
        """Make all of it due with the next packet: after a takeover, or when the store has lost something."""
        self._everything = True

    def snapshot_lost(self, symbol: str) -> None:
        """Make a snapshot due with the next packet, a deep book's with a checkpoint: the store holds it no more."""
        self._lost[symbol] = self._books.setdefault(symbol, _Subject())

    def listing_lost(self) -> None:
        """Make the listing due with the next packet, since the store holds it no more."""
        self._listing = True

    def checkpoint_is_due(self, now: float) -> bool:
        """Tell whether it is time to begin another checkpoint, once the one before it is stored."""
        packets = self._packets - self._packets_before
        is_time = now - self._accounts.stored_at >= self._checkpoint_interval_s
        return is_time or packets >= CHECKPOINT_PACKETS_MAX or self._checkpoint_wanted

    def begin_checkpoint(self, now: float, levels: Callable[[str], int] = lambda _: 0) -> list[str]:
        """
        Note that accounts and checkpoint are being made of what was observed so far; `take_due` is told the end.

        Beginning again gives up the one before: what that would have stored waits for this one.

        Args:
            now: Monotonic seconds.
            levels: Returns how many price levels an instrument's book has.

        Returns:
            The symbols whose snapshots must be made with them: deep books' that have changed. None of them goes with a
            packet until the end, since what is being made would then replace a newer one.
        """
        deep = [symbol for symbol in (*self._unstored, *self._lost) if levels(symbol) > LEVELS_PER_PACKET_MAX]
        self._making |= dict.fromkeys(deep)
        books = [self._books[symbol] for symbol in self._making]
        self._made_after = _first(self._made_after, *(each.unstored_after for each in (self._accounts, *books)))
        for subject in (self._accounts, *books):
            subject.stored(now)
        for symbol in self._making:
            self._unstored.pop(symbol, None)
            self._lost.pop(symbol, None)
        self._packets_before = self._packets
        self._checkpoint_wanted = False
        return list(self._making)

    def observe(self, packet: Packet, prev_id: FeedId) -> None:
        """Take the packet that comes after the feed entry `prev_id`: what it changes is no longer as stored."""
        before = _Place(prev_id, self._packets)
        for symbol in _subjects(packet):
            book = self._books.setdefault(symbol, _Subject())
            book.changed(before)
            self._unstored[symbol] = book
            due_at = book.stored_at + self._snapshot_interval_s
            self._quiet_until = min(self._quiet_until, _NEVER if book.packets == SNAPSHOT_PACKETS_MAX else due_at)
        if packet.executions or packet.switches or packet.transfers or packet.beginnings:
            self._accounts.changed(before)
        self._listing = self._listing or bool(packet.listings)
        self._packets += 1

    def take_due(
        self,
        last_id: FeedId,
        listed: Iterable[str],
        now: float,
        *,
        levels: Callable[[str], int] = lambda _: 0,
        checkpoint_made: bool = False,
    ) -> Due:
        """
        Say what must be stored with the packet `last_id`, the last one observed; the caller stores it.

        Args:
            last_id: Its id.
            listed: All symbols.
            now: Monotonic seconds.
            levels: Returns how many price levels an instrument's book has.
            checkpoint_made: What was begun last is stored with this packet.
        """
        everything, self._everything = self._everything, False
        due = list(dict.fromkeys((*self._unstored, *listed))) if everything else self._books_due(levels, now)
        for symbol in due:
            self._books.setdefault(symbol, _Subject()).stored(now)
            self._unstored.pop(symbol, None)
            self._lost.pop(symbol, None)
        if everything:
            self.begin_checkpoint(now)
        if everything or checkpoint_made:
            self._end_making()  # after the choice above: within one packet what was made comes last
        listing, self._listing = everything or self._listing, False
        cover = self._cover(last_id)
        uncovered = self._packets - cover.packets
        return Due(due, cover.feed_id, uncovered, listing=listing, everything=everything)

    def _books_due(self, levels: Callable[[str], int], now: float) -> list[str]:
        """Return what is due; O(what is not stored), and O(1) until something can be due again."""
        if not self._lost and now < self._quiet_until:
            return []
        self._quiet_until = _EVER
        due = dict.fromkeys(self._lost)
        for symbol, book in self._unstored.items():
            if self._book_due(book, now):
                due[symbol] = None
            else:
                self._quiet_until = min(self._quiet_until, book.stored_at + self._snapshot_interval_s)
        taken: list[str] = []
        left = LEVELS_PER_PACKET_MAX
        for symbol in due:
            count = levels(symbol)
            if symbol in self._making:
                continue  # looked at again when that is stored
            if count > LEVELS_PER_PACKET_MAX:
                self._checkpoint_wanted = self._checkpoint_wanted or symbol in self._lost
                self._quiet_until = min(self._quiet_until, now + self._snapshot_interval_s)  # it may have shrunk then
                continue
            left -= LEVELS_A_SNAPSHOT + count
            if left < 0 and taken:
                self._quiet_until = _NEVER
                break
            taken.append(symbol)
        return taken

    def _book_due(self, book: _Subject, now: float) -> bool:
        return now - book.stored_at >= self._snapshot_interval_s or book.packets >= SNAPSHOT_PACKETS_MAX

    def _cover(self, last_id: FeedId) -> _Place:
        first = next(iter(self._unstored.values()), None)  # they stand in order of first change
        book = first.unstored_after if first is not None else None
        return _first(book, self._made_after, self._accounts.unstored_after) or _Place(last_id, self._packets)

    def _end_making(self) -> None:
        """What was being made is stored, and what has changed meanwhile may be."""
        self._made_after = None
        self._making.clear()
        self._quiet_until = _NEVER


def _first(*places: _Place | None) -> _Place | None:
    return min((place for place in places if place is not None), default=None)


def _subjects(packet: Packet) -> dict[str, None]:
    symbols = dict.fromkeys(change.instrument for change in packet.changes)
    symbols.update(dict.fromkeys(status.instrument for status in packet.statuses if status.instrument is not None))
    symbols.update(dict.fromkeys(instrument.symbol for instrument in packet.listings))
    symbols.update(dict.fromkeys(terms.instrument for terms in packet.terms))
    symbols.update(dict.fromkeys(auction.instrument for auction in packet.auctions))
    return symbols

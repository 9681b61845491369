"""A followed book as users of the market hold it: always as new as the last frame, and iterable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple

from openoutcry.aio.pulse import Pulse
from openoutcry.arguments import levels_wanted
from openoutcry.book_view import BookView
from openoutcry.errors import RequestRefused
from openoutcry.events import StaleReason
from openoutcry.feed_session import FeedSession
from openoutcry.wire.messages import Auction

LOOK_S: Final = 0.05
"""Time between two looks whether the clock still says that nothing was received."""


class BookUpdate(NamedTuple):
    """What an iteration over a book yields; the levels are in the book itself."""

    prev_seq: int
    """Where the iterator last saw the book."""
    seq: int
    merged: int
    """Verified changes since then: 1 if the iterator keeps up, more if it was slow, 0 if only `stale` changed."""
    stale: StaleReason | None
    """Why the client cannot vouch for the book at present; None if it can."""


class Book:
    """
    A followed book, verified by sequence and digest.

    Args:
        view: Kept by the session.
        session: Keeps what is known of auctions.
        pulse: Beats when the view has changed.
        is_silent: Whether, by the clock, no heartbeat was received for too long.
    """

    def __init__(self, view: BookView, session: FeedSession, pulse: Pulse, is_silent: Callable[[], bool]) -> None:
        self._view = view
        self._session = session
        self._pulse = pulse
        self._is_silent = is_silent
        self.received_us = 0
        """When the last message about it came, µs since 1970; with `time` the delay of the whole path."""

    def __repr__(self) -> str:
        standing = self.stale or "verified"
        return f"<Book {self.instrument} epoch={self.epoch} seq={self.seq} digest={self.digest:08x} {standing}>"

    @property
    def instrument(self) -> str:
        """Symbol."""
        return self._view.book.instrument

    @property
    def depth(self) -> int:
        """Levels a side that are followed; 0 is all of them."""
        return self._view.book.depth

    @property
    def epoch(self) -> int:
        """The history that `seq` counts in."""
        return self._view.book.epoch

    @property
    def seq(self) -> int:
        """Changes of this book in its epoch."""
        return self._view.book.seq

    @property
    def digest(self) -> int:
        """Digest of the levels held; O(1)."""
        return self._view.book.digest

    @property
    def time(self) -> int:
        """When the engine published the newest change, µs since 1970."""
        return self._view.book.time

    @property
    def stale(self) -> StaleReason | None:
        """
        Why the client cannot vouch for the book at present; None if it can.

        Asks the clock: after 3 s in which your own code let nothing be received it is `DISCONNECTED`, until what came
        meanwhile has been.
        """
        if self._view.stale_reason is None and self._is_silent():
            return StaleReason.DISCONNECTED
        return self._view.stale_reason

    @property
    def changes(self) -> int:
        """Snapshots and deltas applied and verified since the book is followed."""
        return self._view.changes

    @property
    def recoveries(self) -> int:
        """Times that it became verified again after having been stale."""
        return self._view.recoveries

    @property
    def best_bid(self) -> tuple[int, int] | None:
        """Price and quantity of the best bid, None if there is none; O(1)."""
        return next(iter(self.bids(1)), None)

    @property
    def best_ask(self) -> tuple[int, int] | None:
        """Price and quantity of the best ask, None if there is none; O(1)."""
        return next(iter(self.asks(1)), None)

    @property
    def auction(self) -> Auction | None:
        """
        What the instrument's call would come to if it ended now; None outside of a call. O(1).

        `kind` is the phase, `price` 0 if nothing would trade. In a call the book may be crossed.
        """
        return self._session.auctions.get(self.instrument)

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask: so it may be in a call; O(1)."""
        bid, ask = self.best_bid, self.best_ask
        return bid is not None and ask is not None and bid[0] >= ask[0]

    def bids(self, depth: int = 0) -> list[tuple[int, int]]:
        """Return the best `depth` bids as (price, quantity), best first; 0 is all that are held. O(depth)."""
        return self._view.book.bids.levels(depth if type(depth) is int and depth >= 0 else levels_wanted(depth))

    def asks(self, depth: int = 0) -> list[tuple[int, int]]:
        """Return the best `depth` asks as (price, quantity), best first; 0 is all that are held. O(depth)."""
        return self._view.book.asks.levels(depth if type(depth) is int and depth >= 0 else levels_wanted(depth))

    async def verified(self) -> None:
        """
        Wait until the client can vouch for the book; at once if it can.

        Raises:
            Disconnected: If the market ends first, or the book is left.
            RequestRefused: If the server refuses to go on with it.
        """
        while self.stale is not None:
            if self._view.stale_reason is not None:
                await self._pulse.moved()
            else:  # by the clock alone: what came meanwhile is about to be read, and may not move it
                await asyncio.sleep(LOOK_S)

    def __aiter__(self) -> AsyncIterator[BookUpdate]:
        """
        Yield after each change from now on, merged if the reader is slow.

        Ends with the market, and when the book is left. Raises `RequestRefused` when the server refuses to go on with
        it, for example as the instrument is listed no more, and `Disconnected` when the market ends by itself.
        """
        return _BookUpdates(self, self._pulse)

    def stop(self, refusal: RequestRefused | None) -> None:
        """Note that it is followed no more, None as its owner left it; called by the market."""
        self._pulse.stop(refusal)

    def moved(self) -> None:
        """Note that a message has changed the view; called by the market."""
        self.received_us = time.time_ns() // 1000
        self._pulse.beat()


class _BookUpdates(AsyncIterator[BookUpdate]):
    def __init__(self, book: Book, pulse: Pulse) -> None:
        self._book = book
        self._pulse = pulse
        self._count, self._changes, self._seq = pulse.count, book.changes, book.seq

    async def __anext__(self) -> BookUpdate:
        self._count = await self._pulse.beyond(self._count)
        book = self._book
        update = BookUpdate(self._seq, book.seq, book.changes - self._changes, book.stale)
        self._changes, self._seq = book.changes, book.seq
        return update

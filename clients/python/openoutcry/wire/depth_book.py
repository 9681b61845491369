"""The book replica: price levels, a sequence number and a digest that must agree with the sender's.

Owns what a client, a gateway and a test all do with snapshots and deltas. Leaves to callers what to do about a gap.
Invariants: a side's sorted prices are exactly its quantities' keys; no quantity is 0; `digest` is the digest of both
sides. Source: docs/protocol.md, "The client's rule".
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator

from openoutcry.wire.digest import ASK, BID, MASK, book_digest, level_digest, level_digest_once
from openoutcry.wire.messages import Delta, Level, Snapshot
from openoutcry.wire.sequence import Verdict, classify


class DepthSide:
    """
    One side of a replica: quantity by price, and the prices in order.

    Args:
        side: `digest.BID` or `digest.ASK`.
    """

    __slots__ = ("_prices", "digest", "quantities", "side")

    def __init__(self, side: int) -> None:
        self.side = side
        self.quantities: dict[int, int] = {}
        """Price in ticks to lots above 0, in no particular order. Read only."""
        self.digest = 0
        """Sum of this side's level hashes, modulo 2**32."""
        self._prices: list[int] = []

    def __len__(self) -> int:
        return len(self._prices)

    def replace(self, levels: Iterable[Level]) -> None:
        """Take these levels instead of all that is held; O(n log n)."""
        self.quantities = {level[0]: level[1] for level in levels}
        self._prices = sorted(self.quantities)
        self.digest = sum(level_digest(self.side, price, lots) for price, lots in self.quantities.items()) & MASK

    def load_part(self, levels: Iterable[Level]) -> None:
        """Take some of the levels of an empty side, for who loads it in parts; `load_end` ends it. O(levels)."""
        side, quantities, prices, digest = self.side, self.quantities, self._prices, self.digest
        for level in levels:
            price, lots = level[0], level[1]
            quantities[price] = lots
            prices.append(price)
            digest += level_digest_once(side, price, lots)
        self.digest = digest & MASK

    def load_end(self) -> None:
        """Order the prices of what was loaded; at the speed of memory if the levels came best first."""
        if len(self._prices) != len(self.quantities):  # of two levels at one price the last one counts
            self.replace(list(self.quantities.items()))
            return
        if self.side == BID:
            self._prices.reverse()
        self._prices.sort()

    def forget_part(self, count: int) -> None:
        """Drop so many levels, for who frees a deep side in parts; `digest` is not kept up. O(count)."""
        dropped = self._prices[-count:]
        del self._prices[-count:]
        for price in dropped:
            del self.quantities[price]

    def set(self, price: int, quantity: int) -> None:
        """
        Make a level's quantity this; 0 removes it, and removing an absent level is normal.

        A known level costs O(1); a new or removed one a binary search and a move of machine words.
        """
        digest = self.digest
        old = self.quantities.get(price)
        if old is not None:
            digest -= level_digest(self.side, price, old)
        if quantity:
            self.quantities[price] = quantity
            digest += level_digest(self.side, price, quantity)
            if old is None:
                insort(self._prices, price)
        elif old is not None:
            del self.quantities[price]
            del self._prices[bisect_left(self._prices, price)]
        self.digest = digest & MASK

    def best(self) -> int:
        """Price of the best level in ticks, 0 if the side is empty; O(1)."""
        if not self._prices:
            return 0
        return self._prices[-1] if self.side == BID else self._prices[0]

    def prices(self, depth: int = 0) -> list[int]:
        """Return the best `depth` prices, best first; 0 is all of them. O(depth)."""
        count = min(depth, len(self._prices)) if depth else len(self._prices)
        if self.side == ASK:
            return self._prices[:count]
        return self._prices[: -count - 1 : -1]

    def prices_behind(self, price: int, count: int) -> list[int]:
        """
        Return the next `count` prices that are worse than one, best first; O(count).

        Args:
            price: In ticks, of a level or of none; 0 is better than all.
            count: How many at most, at least 1.
        """
        if self.side == ASK:
            first = bisect_right(self._prices, price)
            return self._prices[first : first + count]
        end = bisect_left(self._prices, price) if price else len(self._prices)
        return self._prices[max(0, end - count) : end][::-1]

    def levels(self, depth: int = 0) -> list[tuple[int, int]]:
        """Return the best `depth` levels as (price, quantity), best first; 0 is all of them. O(depth)."""
        return [(price, self.quantities[price]) for price in self.prices(depth)]

    def difference(self, newer: DepthSide) -> Iterator[tuple[int, int]]:
        """Yield what must be set on this side to make it the newer one; O(levels of both)."""
        for price in self.quantities.keys() - newer.quantities.keys():
            yield price, 0
        for price, quantity in newer.quantities.items():
            if self.quantities.get(price) != quantity:
                yield price, quantity


class DepthBook:
    """
    A replica of one book, or of its best `depth` levels.

    Args:
        instrument: Symbol.
        depth: Levels a side that the sender sends; 0 is all of them.
    """

    __slots__ = ("asks", "bids", "depth", "epoch", "instrument", "seq", "time")

    def __init__(self, instrument: str, depth: int = 0) -> None:
        self.instrument = instrument
        self.depth = depth
        self.epoch = 0
        self.seq = 0
        self.time = 0
        """When the engine published the newest change, µs since 1970; for measuring delay, never for ordering."""
        self.bids = DepthSide(BID)
        self.asks = DepthSide(ASK)

    @property
    def digest(self) -> int:
        """The digest of both sides as they stand; O(1)."""
        return (self.bids.digest + self.asks.digest) & MASK

    def load(self, snapshot: Snapshot) -> Verdict:
        """Take a snapshot instead of all that is held: APPLY, or CORRUPT if its digest is not that of its levels."""
        self.epoch = snapshot.epoch
        self.seq = snapshot.seq
        self.time = snapshot.time
        self.bids.replace(snapshot.bids)
        self.asks.replace(snapshot.asks)
        return Verdict.APPLY if self.digest == snapshot.digest else Verdict.CORRUPT

    def apply(self, delta: Delta) -> Verdict:
        """Apply a delta of the epoch held, if the sequence rule says so; O(levels it names)."""
        verdict = classify(self.seq, delta.prev_seq, delta.seq)
        if verdict is not Verdict.APPLY:
            return verdict
        return self.advance(delta.seq, delta.time, delta.bids, delta.asks, delta.digest)

    def advance(self, seq: int, time: int, bids: Iterable[Level], asks: Iterable[Level], digest: int) -> Verdict:
        """Set levels and position without asking whether they follow; APPLY or CORRUPT."""
        set_bid, set_ask = self.bids.set, self.asks.set
        for level in bids:
            set_bid(level[0], level[1])
        for level in asks:
            set_ask(level[0], level[1])
        self.seq = seq
        self.time = time
        return Verdict.APPLY if self.digest == digest else Verdict.CORRUPT

    def window_digest(self, depth: int) -> int:
        """Digest of the best `depth` levels a side; O(depth)."""
        return book_digest(self.bids.levels(depth), self.asks.levels(depth))

    def check_invariants(self) -> None:
        """Assert what must always hold; O(levels). For tests."""
        for side in (self.bids, self.asks):
            assert sorted(side.quantities) == sorted(side.prices())
            assert all(quantity > 0 for quantity in side.quantities.values())
        assert self.digest == book_digest(self.bids.levels(), self.asks.levels())


def is_crossed(bid: int, ask: int) -> bool:
    """
    Tell whether a book's best prices reach each other; a book is uncrossed while its instrument is `open`.

    Args:
        bid: The best bid in ticks, 0 if there is none.
        ask: The best ask in ticks, 0 if there is none.
    """
    return 0 < ask <= bid

"""One side of a book: its price levels, the best of them, and which have changed.

Prices stand in a heap whose dead entries are dropped when they come to the top, or all at once when they are many:
measured at half the cost of a sorted dictionary, and nothing here needs all prices in order but a snapshot. How many
lots stand up to a price is summed up when it is asked for, which only fill-or-kill does.
Invariants: every price of `levels` is in the heap; the heap is at most HEAP_SLACK entries above twice the levels.
"""

from __future__ import annotations

from functools import lru_cache
from heapq import heapify, heappop, heappush, nsmallest
from typing import Final

from openoutcry.wire.digest import ASK, BID, MASK
from openoutcry.wire.messages import Level
from openoutcry.wire.types import PRICE_MAX, Side
from services.matching.level_hashes import mix, mixed
from services.matching.lot_sums import LOTS_BITS, LOTS_MASK, ONE_ORDER, LotSums
from services.matching.order import Order
from services.matching.price_level import NOT_TOLD, TOUCHED, UNSUMMED, PriceLevel

HEAP_SLACK: Final = 64
"""Dead heap entries that are always tolerated, so that small books do not compact all the time."""
NO_BID: Final = 0
"""`best_price` of an empty bid side: worse than every bid."""
NO_ASK: Final = PRICE_MAX + 1
"""`best_price` of an empty ask side: worse than every ask."""
KEYS_MAX: Final = 1 << 16
"""Prices whose key is remembered, since the same ones open and close all day; oldest use is forgotten first."""
FEW_LEVELS: Final = 64
"""Up to here lots are summed level by level: faster than keeping sums."""
UNSUMMED_MAX: Final = 2_048
"""Changed levels, beside as many as there are, after which sums that nobody has asked for are no longer kept."""
MANY_LEVELS: Final = 12
"""From here on it is faster to tell touched levels together: a hundred take 0.2 µs each, not 0.33 (CPython 3.11)."""
_key: Final = lru_cache(maxsize=KEYS_MAX)(mix)


class BookSide:
    """
    The levels of one side.

    Args:
        side: Which.
    """

    __slots__ = (
        "_empty_price",
        "_ended",
        "_heap",
        "_noted",
        "_side_bit",
        "_sign",
        "_sums",
        "_unsummed",
        "best_price",
        "levels",
        "side",
        "told_digest",
        "touched",
    )

    def __init__(self, side: Side) -> None:
        self.side = side
        self.levels: dict[int, PriceLevel] = {}
        """By price, in no particular order. Read only."""
        self.touched: list[PriceLevel] = []
        """Levels changed since the last `take_changes`, in order of first touch; those that are gone stay."""
        self.told_digest = 0
        """This side's part of the book's digest as it was at the last `take_changes`."""
        self._ended: dict[int, PriceLevel] = {}  # those of touched that are gone, by price: they may come back
        self._side_bit = (BID if side is Side.BID else ASK) << 31
        self._sign, self._empty_price = (-1, NO_BID) if side is Side.BID else (1, NO_ASK)
        self.best_price = self._empty_price
        """Of the best level in ticks; NO_BID or NO_ASK when there is none."""
        self._heap: list[int] = []
        # Only while somebody asks for them: orders of other kinds pay nothing.
        self._sums: LotSums | None = None
        self._unsummed: list[PriceLevel] = []  # levels whose lots the sums do not have as they are, gone ones too
        self._noted = TOUCHED
        """Notes of a level whose change needs no more of them."""

    def append(self, order: Order) -> None:
        """Put an order last at its price; O(1), or O(log levels) when it opens the level."""
        price = order.price
        level = self.levels.get(price)
        if level is None:
            level = self._open(price)
        if level.notes != self._noted:
            self._note(level)
        level.append(order)

    def remove(self, order: Order) -> None:
        """Take an order out; O(1), or amortised O(log levels) when it was its level's last."""
        price = order.price
        level = self.levels[price]
        if level.notes != self._noted:
            self._note(level)
        level.remove(order)
        if level.first is None:
            self._close(price)

    def reduce(self, order: Order, remaining: int) -> None:
        """Lower an order's remaining lots to a number above 0, keeping its place; O(1)."""
        level = self.levels[order.price]
        if level.notes != self._noted:
            self._note(level)
        level.quantity -= order.remaining - remaining
        order.remaining = remaining

    def prices(self, depth: int = 0) -> list[int]:
        """Return the best `depth` prices, best first; 0 is all of them. O(levels log levels)."""
        if depth and depth < len(self.levels):
            found = nsmallest(depth, (price * self._sign for price in self.levels))
            return [price * self._sign for price in found]
        return sorted(self.levels, reverse=self._sign < 0)

    def depth(self, levels: int = 0) -> list[Level]:
        """Return the best levels as [price, quantity, orders], best first; 0 is all of them. O(levels log levels)."""
        return [[price, (level := self.levels[price]).quantity, level.orders] for price in self.prices(levels)]

    @property
    def digest(self) -> int:
        """This side's part of the book's digest, as it stands; O(levels touched since `take_changes`)."""
        stay = [level.key ^ (level.quantity & MASK) for level in self.touched if level.quantity]
        return (self.told_digest - sum(level.told for level in self.touched) + sum(mixed(stay))) & MASK

    def lots_to(self, price: int) -> int:
        """
        Return the lots of all levels at this price or better.

        Cost: O(levels) if there are few of them. Else sums are kept from the first question on: O(levels) for that,
        then O(1) for each level changed since the last question, and about 5 µs. Sums are forgotten when, without a
        question, more levels have changed than UNSUMMED_MAX and there are levels together.
        """
        buys = self._sign < 0
        if len(self.levels) <= FEW_LEVELS and self._sums is None:
            return sum([level.quantity for at, level in self.levels.items() if (at >= price if buys else at <= price)])
        sums = self._fresh_sums()
        return (sums.total - sums.below(price) if buys else sums.below(price + 1)) & LOTS_MASK

    def reach(self, lots: int) -> tuple[PriceLevel, int, int]:
        """
        Return the level at which so many lots are reached, from the best one on, and lots and orders before it.

        There must be so many. Cost as `lots_to`.
        """
        buys = self._sign < 0
        if len(self.levels) <= FEW_LEVELS and self._sums is None:
            before = 0
            for price in self.prices():
                level = self.levels[price]
                if (before & LOTS_MASK) + level.quantity >= lots:
                    break
                before += level.orders * ONE_ORDER + level.quantity
        else:
            price, before = self._fresh_sums().reach(lots, from_top=buys)
        return self.levels[price], before & LOTS_MASK, before >> LOTS_BITS

    def take_changes(self) -> list[Level]:
        """
        Return what has changed since the last call as [price, quantity, orders], and begin anew.

        Quantity is 0 where a level is gone; one that came and went in between is no news. O(levels touched).
        """
        touched = self.touched
        changed = self._tell_few(touched) if len(touched) < MANY_LEVELS else self._tell_many(touched)
        touched.clear()
        self._ended.clear()
        if len(self._unsummed) > UNSUMMED_MAX + len(self.levels):
            self._forget_sums()
        return changed

    def _tell_few(self, touched: list[PriceLevel]) -> list[Level]:
        changed: list[Level] = []
        digest = self.told_digest
        for level in touched:
            if level.quantity:
                now = mix(level.key ^ (level.quantity & MASK))
                digest += now - level.told
                level.told = now
                level.notes &= UNSUMMED
            elif level.told == NOT_TOLD:
                continue
            else:
                digest -= level.told
            changed.append([level.price, level.quantity, level.orders])
        self.told_digest = digest & MASK
        return changed

    def _tell_many(self, touched: list[PriceLevel]) -> list[Level]:
        """Do the same as `_tell_few`, in steps that each go over all levels."""
        stay = [level for level in touched if level.quantity]
        hashes = mixed([level.key ^ (level.quantity & MASK) for level in stay])
        self.told_digest = (self.told_digest - sum([level.told for level in touched]) + sum(hashes)) & MASK
        changed: list[Level] = [
            [level.price, level.quantity, level.orders] for level in touched if level.quantity or level.told != NOT_TOLD
        ]
        for level, now in zip(stay, hashes, strict=True):
            level.told = now
            level.notes &= UNSUMMED
        return changed

    def _note(self, level: PriceLevel) -> None:
        """Have a level's change told, and summed up if sums are kept."""
        if not level.notes & TOUCHED:
            self.touched.append(level)
        if self._sums is not None and not level.notes & UNSUMMED:
            self._unsummed.append(level)
        level.notes = self._noted

    def _fresh_sums(self) -> LotSums:
        sums = self._sums
        if sums is None:
            sums = self._sums = LotSums(self.levels)
            self._noted = TOUCHED | UNSUMMED
            for level in (*self.levels.values(), *self._ended.values()):
                level.summed = level.orders * ONE_ORDER + level.quantity
            return sums
        for level in self._unsummed:
            now = level.orders * ONE_ORDER + level.quantity
            if now != level.summed:
                sums.add(level.price, now - level.summed)
                level.summed = now
            level.notes &= TOUCHED
        self._unsummed.clear()
        return sums

    def _forget_sums(self) -> None:
        """Nobody has asked for so long that keeping sums costs more than making them anew."""
        for level in self._unsummed:
            level.notes &= TOUCHED
        self._unsummed.clear()
        self._sums, self._noted = None, TOUCHED

    def _open(self, price: int) -> PriceLevel:
        level = self._ended.pop(price, None)
        if level is None:
            level = PriceLevel(price, _key(price ^ self._side_bit))
        self.levels[price] = level
        heappush(self._heap, price * self._sign)
        if price * self._sign < self.best_price * self._sign or len(self.levels) == 1:
            self.best_price = price
        return level

    def _close(self, price: int) -> None:
        levels, heap = self.levels, self._heap
        self._ended[price] = levels.pop(price)
        if len(heap) > 2 * len(levels) + HEAP_SLACK:
            heap[:] = [live * self._sign for live in levels]
            heapify(heap)
        if price == self.best_price:
            while heap and heap[0] * self._sign not in levels:
                heappop(heap)
            self.best_price = heap[0] * self._sign if heap else self._empty_price

    def check_invariants(self) -> None:
        """Assert what must always hold; O(orders). For tests."""
        for price, level in self.levels.items():
            assert level.price == price
            level.check_invariants()
        queued = {price * self._sign for price in self._heap}
        assert self.levels.keys() <= queued
        assert len(self._heap) <= 2 * len(self.levels) + HEAP_SLACK + 1
        assert len(set(map(id, self.touched))) == len(self.touched)
        assert all(level.notes & TOUCHED for level in (*self.touched, *self._ended.values()))
        assert all(level.notes & UNSUMMED for level in self._unsummed)
        if self._sums is not None:
            unsummed = {id(level) for level in self._unsummed}
            summed = [level for level in self.levels.values() if id(level) not in unsummed]
            assert all(level.summed == level.orders * ONE_ORDER + level.quantity for level in summed)
            assert not any(level.notes & UNSUMMED for level in summed)
        assert not self._ended.keys() & self.levels.keys()
        best = self.prices(1)
        assert self.best_price == (best[0] if best else self._empty_price)

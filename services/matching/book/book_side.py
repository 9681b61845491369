"""One side of a book: its price levels, the best of them, and which have changed.

Prices are in a heap. Its dead entries are dropped when they come to the top, or all at once when they are many. That
was measured at half the cost of a sorted dictionary, and only a snapshot needs all prices in order. In a deep side to
drop them all at once would hold up the market: there the heap is emptied into a new one, some entries with each level
that closes, and both are looked at meanwhile. A deep side's lots are added up over ranges of prices, for auctions. The
best prices are ranked when somebody asks, which only fill-or-kill does, and kept so for as long as it goes on asking.
Invariants: every price of `levels` is in a heap; a heap is at most HEAP_SLACK entries above twice the levels, and in a
deep side some DEAD_KEPT_MAX above the levels.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from functools import lru_cache
from heapq import heapify, heappop, heappush, nsmallest
from typing import Final

from openoutcry.wire.digest import ASK, BID, MASK
from openoutcry.wire.messages import Level
from openoutcry.wire.types import LEVEL_QUANTITY_MAX, PRICE_MAX, Side
from services.matching.book.level_hashes import mix, mixed
from services.matching.book.lot_ladder import LotLadder
from services.matching.book.order import Order
from services.matching.book.price_level import NOT_TOLD, PriceLevel

HEAP_SLACK: Final = 64
"""Dead heap entries that are always tolerated, so that small books do not compact all the time."""
NO_BID: Final = 0
"""`best_price` of an empty bid side: worse than every bid."""
NO_ASK: Final = PRICE_MAX + 1
"""`best_price` of an empty ask side: worse than every ask."""
ALL_PRICES: Final = PRICE_MAX + 1
"""`_ranked_to` of a ranking that holds every level."""
KEYS_MAX: Final = 1 << 16
"""Prices whose key is remembered, since the same ones open and close all day; oldest use is forgotten first."""
UNASKED_MAX: Final = 2_048
"""Levels opened and closed, after which a ranking that nobody has asked for is no longer kept."""
DEAD_MAX: Final = 2_048
"""Dead entries that ranking meets one by one; more are thrown out of the heap all at once, at 0.1 µs a level. A deep
side's are met one by one, however many."""
SORTING_PAYS: Final = 10
"""To rank a part of a side that is greater than one in so many, all of it is sorted: one by one is slower."""
DEEP: Final = 16_384
"""A side of more levels is deep: at 0.1 µs each."""
DEAD_KEPT_MAX: Final = 16_384
"""Dead entries from which on a deep side's heap is emptied into a new one, which takes no more closed levels than
these. So there are never more than some twice as many; to drop them takes 0.3 µs each."""
MANY_LEVELS: Final = 12
"""From here on it is faster to publish touched levels together: a hundred take 0.2 µs each, not 0.33 (CPython 3.11)."""
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
        "_ladder",
        "_moved",
        "_old_heap",
        "_queued",
        "_ranked",
        "_ranked_to",
        "_side_bit",
        "_sign",
        "_unasked",
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
        self._old_heap: list[int] = []  # is being emptied into the other
        self._moved = 0  # entries of it with each level that closes
        self._queued: set[int] = set()  # those of the new one meanwhile: no price is to be in it twice
        # The best prices times the sign, in order, up to `_ranked_to`; only while somebody asks.
        self._ranked: list[int] | None = None
        self._ranked_to = 0
        self._unasked = 0
        self._ladder: LotLadder | None = None  # of a deep side, as it was at the last `take_changes`, or later

    def append(self, order: Order) -> bool:
        """
        Put an order last at its price; O(1), or O(log levels) when it opens the level.

        Returns:
            False, and nothing has changed, if its level would hold more than LEVEL_QUANTITY_MAX.
        """
        price = order.price
        level = self.levels.get(price)
        if level is None:
            level = self._open(price)
        elif level.quantity + order.remaining > LEVEL_QUANTITY_MAX:
            return False
        # `_note` and `PriceLevel.append`, written out, since every order that rests comes here.
        if not level.touched:
            level.touched = True
            self.touched.append(level)
        last = level.last
        if last is None:
            level.first = order
        else:
            last.after = order
            order.before = last
        level.last = order
        level.quantity += order.remaining
        level.orders += 1
        return True

    def remove(self, order: Order) -> None:
        """Take an order out; O(1), or amortised O(log levels) when it was its level's last."""
        price = order.price
        level = self.levels[price]
        if not level.touched:
            level.touched = True
            self.touched.append(level)
        # `PriceLevel.remove`, written out, since every order that rested comes here.
        before, after = order.before, order.after
        if before is None:
            level.first = after
        else:
            before.after = after
        if after is None:
            level.last = before
        else:
            after.before = before
        order.before = order.after = None
        level.quantity -= order.remaining
        level.orders -= 1
        if level.first is None:
            self._close(price)

    def remove_many(self, orders: Iterable[Order]) -> None:
        """Take orders out, as `remove` does each, and look for the best price once: half the time."""
        if self._ranked is not None or self._old_heap:
            for order in orders:
                self.remove(order)
            return
        levels, ended = self.levels, self._ended
        closed = 0
        for order in orders:
            level = levels[order.price]
            if not level.touched:
                level.touched = True
                self.touched.append(level)
            level.remove(order)
            if level.first is None:
                ended[order.price] = levels.pop(order.price)
                closed += 1
        if closed:
            self._closed(closed)

    def reduce(self, order: Order, remaining: int) -> None:
        """Lower an order's remaining lots to a number above 0, keeping its place; O(1)."""
        level = self.levels[order.price]
        if not level.touched:
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

    def from_best(self, count: int) -> Iterator[PriceLevel]:
        """
        Yield levels from the best one on: `count` of them or more, if there are so many.

        The side must not change meanwhile. Cost: 0.1 µs a level taken, and see `lots_of_best`.
        """
        levels, sign = self.levels, self._sign
        for key in self._ranking(count):
            yield levels[key * sign]

    def best_lots(self, count: int) -> list[tuple[int, int]]:
        """
        Return price and lots of the best `count` levels, the best first.

        Cost: 0.2 µs a level, and as `from_best`, or 0.4 µs for each of the side if too few are ranked and that is less.
        """
        levels, sign = self.levels, self._sign
        is_ranked = self._ranked is not None and (len(self._ranked) >= count or self._ranked_to == ALL_PRICES)
        if not is_ranked and count * SORTING_PAYS > len(levels):
            self._unasked = 0
            self._ranked, self._ranked_to = sorted([price * sign for price in levels]), ALL_PRICES
        ranked = self._ranking(count)
        return [(key * sign, levels[key * sign].quantity) for key in ranked[:count]]

    @property
    def is_deep(self) -> bool:
        """Whether it has so many levels that nothing may look at each of them at once."""
        return len(self.levels) > DEEP

    def ladder(self) -> LotLadder:
        """
        Return the sums of its lots as they stand; they hold until the side changes.

        Cost: O(levels touched since `take_changes`), or, of a side that is not deep, O(levels), 0.4 µs each.
        """
        if self._ladder is not None:
            self._ladder.follow(self.touched)
            return self._ladder
        ladder = LotLadder(self.levels.values())
        if self.is_deep:
            self._ladder = ladder
        return ladder

    def forget_ranking(self) -> None:
        """Rank no prices any more, until somebody asks: the levels are about to go, one by one."""
        self._ranked = None

    def lots_of_best(self, count: int, price: int) -> int:
        """
        Return the lots of the best `count` levels at this price or better.

        Cost: 0.05 µs a level, and some 2 µs for each of `count` if none, or too few, are ranked: at first, and when so
        many of the best have gone. While they are, some 0.3 µs for each level that opens or closes.
        """
        levels, sign = self.levels, self._sign
        ranked = self._ranking(count)
        within = min(count, bisect_right(ranked, price * sign))
        return sum([levels[key * sign].quantity for key in ranked[:within]])

    def take_changes(self) -> list[Level]:
        """
        Return what has changed since the last call as [price, quantity, orders], and begin anew.

        Quantity is 0 where a level is gone; one that came and went in between is no news. O(levels touched).
        """
        touched = self.touched
        if self._ladder is not None or len(self.levels) > DEEP:
            self._follow()
        changed = self._tell_few(touched) if len(touched) < MANY_LEVELS else self._tell_many(touched)
        touched.clear()
        self._ended.clear()
        return changed

    def _tell_few(self, touched: list[PriceLevel]) -> list[Level]:
        changed: list[Level] = []
        digest = self.told_digest
        for level in touched:
            if level.quantity:
                now = mix(level.key ^ (level.quantity & MASK))
                digest += now - level.told
                level.told = now
                level.touched = False
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
            level.touched = False
        return changed

    def _follow(self) -> None:
        """Have the sums follow, from when on a side is deep until it has half as many levels."""
        if self._ladder is None:
            self._ladder = LotLadder(self.levels.values())
        elif len(self.levels) > DEEP // 2:
            self._ladder.follow(self.touched)
        else:
            self._ladder = None

    def _note(self, level: PriceLevel) -> None:
        """Have a level's change published."""
        level.touched = True
        self.touched.append(level)

    def _ranking(self, count: int) -> list[int]:
        """Return the best prices times the sign, in order: so many or more, if there are."""
        self._unasked = 0
        ranked = self._ranked
        if ranked is None or (len(ranked) < count and self._ranked_to != ALL_PRICES):
            return self._rank(2 * count)
        if len(ranked) > 4 * count:
            del ranked[2 * count :]
            self._ranked_to = ranked[-1]
        return ranked

    def _rank(self, count: int) -> list[int]:
        """Rank the best so many prices; O(count log levels), whatever stands behind them."""
        heap, old, levels, sign = self._heap, self._old_heap, self.levels, self._sign
        best: list[int] = []
        dead = 0
        while (heap or old) and len(best) < count:
            key = heappop(heap if not old or (heap and heap[0] < old[0]) else old)
            if key * sign in levels and (not best or key != best[-1]):
                best.append(key)
                continue
            dead += 1
            if dead > DEAD_MAX and len(levels) <= DEEP:
                self._throw_out_dead()
                best.clear()
                dead = 0
            self._queued.discard(key)
        if old:
            self._queued.update(best)
        self._ranked, self._ranked_to = best, best[-1] if heap or old else ALL_PRICES
        for key in best:
            heappush(heap, key)
        return best

    def _throw_out_dead(self) -> None:
        self._old_heap.clear()
        self._queued.clear()
        self._heap[:] = [live * self._sign for live in self.levels]
        heapify(self._heap)

    def _drop_dead(self) -> None:
        """Begin to drop dead entries, which are many: all at once, or, in a deep side, with the levels that close."""
        if self._old_heap:
            return
        if len(self.levels) <= DEEP:
            self._throw_out_dead()
            return
        self._old_heap, self._heap = self._heap, []
        self._queued.clear()
        self._moved = 2 + len(self._old_heap) // DEAD_KEPT_MAX

    def _move_some(self) -> None:
        """Move some entries of the old heap, the last ones, so that it stays a heap; the dead are dropped."""
        old, levels, sign, queued = self._old_heap, self.levels, self._sign, self._queued
        for key in old[-self._moved :]:
            if key * sign in levels and key not in queued:
                heappush(self._heap, key)
                queued.add(key)
        del old[-self._moved :]
        if not old:
            queued.clear()

    def _rank_change(self, ranked: list[int], key: int, *, opens: bool) -> None:
        """Follow a level that opens or closes, until nobody has asked for long."""
        self._unasked += 1
        if self._unasked > UNASKED_MAX:
            self._ranked = None
        elif key <= self._ranked_to:
            if opens:
                insort(ranked, key)
            else:
                del ranked[bisect_left(ranked, key)]

    def _open(self, price: int) -> PriceLevel:
        level = self._ended.pop(price, None)
        if level is None:
            level = PriceLevel(price, _key(price ^ self._side_bit))
        self.levels[price] = level
        key = price * self._sign
        if not self._old_heap:
            heappush(self._heap, key)
        elif key not in self._queued:
            heappush(self._heap, key)
            self._queued.add(key)
        if self._ranked is not None:
            self._rank_change(self._ranked, key, opens=True)
        if key < self.best_price * self._sign or len(self.levels) == 1:
            self.best_price = price
        return level

    def _close(self, price: int) -> None:
        levels, heap = self.levels, self._heap
        self._ended[price] = levels.pop(price)
        if self._ranked is not None:
            self._rank_change(self._ranked, price * self._sign, opens=False)
        dead = len(heap) - len(levels)
        if dead > DEAD_KEPT_MAX or dead > len(levels) + HEAP_SLACK:
            self._drop_dead()
            heap = self._heap
        if self._old_heap:
            self._move_some()
        if price == self.best_price:
            if self._old_heap:
                self.best_price = self._best_of_two()
                return
            while heap and heap[0] * self._sign not in levels:
                heappop(heap)
            self.best_price = heap[0] * self._sign if heap else self._empty_price

    def _closed(self, count: int) -> None:
        """Find the best price when so many levels have been closed at once."""
        levels = self.levels
        if len(levels) < count * SORTING_PAYS and len(levels) <= DEEP:
            self._throw_out_dead()
        elif len(self._heap) - len(levels) > min(DEAD_KEPT_MAX, len(levels) + HEAP_SLACK):
            self._drop_dead()
        if self._old_heap:
            self.best_price = self._best_of_two()
            return
        heap, sign = self._heap, self._sign
        while heap and heap[0] * sign not in levels:
            heappop(heap)
        self.best_price = heap[0] * sign if heap else self._empty_price

    def _best_of_two(self) -> int:
        """Drop the dead entries at the top of both heaps, and return the best price."""
        levels, sign = self.levels, self._sign
        best = NO_ASK  # as a key: behind all others
        for heap in (self._heap, self._old_heap):
            while heap and heap[0] * sign not in levels:
                self._queued.discard(heappop(heap))
            if heap and heap[0] < best:
                best = heap[0]
        return self._empty_price if best == NO_ASK else best * sign

    def check_invariants(self) -> None:
        """Assert what must always hold; O(orders). For tests."""
        for price, level in self.levels.items():
            assert level.price == price
            level.check_invariants()
        queued = {price * self._sign for heap in (self._heap, self._old_heap) for price in heap}
        assert self.levels.keys() <= queued
        assert not self._old_heap or set(self._heap) == self._queued
        for heap in (self._heap, self._old_heap):
            assert all(heap[(at - 1) // 2] <= heap[at] for at in range(1, len(heap)))
        assert len(self._heap) <= max(2 * len(self.levels) + HEAP_SLACK, len(self._old_heap)) + 1
        assert len(self._heap) - len(self.levels) <= DEAD_KEPT_MAX + 1 or len(self.levels) <= DEEP
        assert len(set(map(id, self.touched))) == len(self.touched)
        assert all(level.touched for level in (*self.touched, *self._ended.values()))
        if self._ranked is not None:
            keys = sorted(price * self._sign for price in self.levels)
            assert self._ranked == [key for key in keys if key <= self._ranked_to]
        assert not self._ended.keys() & self.levels.keys()
        self.ladder().check_invariants(self.levels)
        best = self.prices(1)
        assert self.best_price == (best[0] if best else self._empty_price)

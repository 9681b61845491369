"""What changed since: enough of a book's recent past to merge any tail of it into one delta.

Quantities are absolute, so the changes after some seq are nothing but the levels touched since, at their present
quantities. It is enough to know *when* each price was last touched: prices are kept in order of their last change,
and a merged delta is read off the recent end in O(levels it names), with no deltas stored. Also keeps the digests of
recent seqs, by which a returning client proves that it stands on this history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from openoutcry.wire.messages import Level

CHANGED_PRICES_MAX: Final = 1 << 15
"""Prices remembered per side; beyond it the longer untouched half is forgotten, and with it their seqs."""
DELTA_PRICES_MAX: Final = 1 << 12
"""Prices a side that one merged delta names, some 10 ms in all. A history that is full still has four times as many."""
DIGESTS_MAX: Final = 1 << 14
"""Seqs that can be resumed from; beyond it the older half is forgotten."""


class BookHistory:
    """
    The recent past of one book.

    Args:
        seq: Where it begins; nothing before is known.
        digest: The book's digest there.
    """

    __slots__ = ("_asks", "_bids", "_digests", "floor")

    def __init__(self, seq: int, digest: int) -> None:
        self.floor = seq
        """Changes after this seq are all known."""
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._digests = {seq: digest}

    def record(self, seq: int, bids: Sequence[Level], asks: Sequence[Level], digest: int) -> None:
        """
        Note the levels that the changes up to `seq` touched; O(levels).

        More than one merged delta names, as where snapshots were loaded: then all before is forgotten.
        """
        if max(len(bids), len(asks)) > DELTA_PRICES_MAX:
            self.floor, self._bids, self._asks, self._digests = seq, {}, {}, {seq: digest}
            return
        self._bids = self._touch(self._bids, seq, bids)
        self._asks = self._touch(self._asks, seq, asks)
        self._digests[seq] = digest
        if len(self._digests) > DIGESTS_MAX:
            self._digests = _newer_half(self._digests)

    def changed_since(self, seq: int) -> tuple[list[int], list[int]] | None:
        """
        Return the bid and the ask prices touched after `seq`, latest first.

        None if that is no longer known, or is more than one merged delta names. O(prices returned).
        """
        if seq < self.floor:
            return None
        bids, asks = _later_than(self._bids, seq), _later_than(self._asks, seq)
        return None if max(len(bids), len(asks)) > DELTA_PRICES_MAX else (bids, asks)

    def holds(self, seq: int, digest: int) -> bool:
        """Tell whether this history passed through `seq` with that digest, as far as is remembered."""
        return self._digests.get(seq) == digest and seq >= self.floor

    def _touch(self, changed: dict[int, int], seq: int, levels: Iterable[Level]) -> dict[int, int]:
        for level in levels:
            changed.pop(level[0], None)
            changed[level[0]] = seq
        if len(changed) <= CHANGED_PRICES_MAX:
            return changed
        kept = _newer_half(changed)
        forgotten = max(when for price, when in changed.items() if price not in kept)
        self.floor = max(self.floor, forgotten)
        return kept


def _later_than(changed: dict[int, int], seq: int) -> list[int]:
    prices: list[int] = []
    for price, when in islice(reversed(changed.items()), DELTA_PRICES_MAX + 1):
        if when <= seq:
            break
        prices.append(price)
    return prices


def _newer_half(ordered: dict[int, int]) -> dict[int, int]:
    return dict(list(ordered.items())[len(ordered) // 2 :])

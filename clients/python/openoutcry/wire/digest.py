"""The book digest: 32 bits of a whole book, kept in O(1) per changed level.

The digest of a book is the sum modulo 2**32 of one hash per level; an empty book's is 0. A sum does not care about
order, so a level's change costs one subtraction and one addition, whatever the depth.

One level whose price alone or whose quantity alone is wrong always shows, since both steps of the hash are bijections
of 32 bits. Everything else shows but for one case in 2**32. Such cases exist and are easy to find: the books {bid 1 @
261} and {bid 8 @ 15,566} are one. The digest detects faults, not forgery: an attacker who can write the feed can also
write a digest. Source: docs/protocol.md, "Digest"; `lowbias32` is Chris Wellons' hash prospector's.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Final

MASK: Final = 0xFFFFFFFF
BID: Final = 0
ASK: Final = 1

LEVEL_CACHE_ENTRIES_MAX: Final = 1 << 16
"""Hashes remembered; the same levels change again and again. Oldest use is forgotten first (about 14 MiB)."""


def mix(x: int) -> int:
    """Scramble 32 bits (lowbias32); a bijection on 0..2**32-1."""
    x ^= x >> 16
    x = (x * 0x7FEB352D) & MASK
    x ^= x >> 15
    x = (x * 0x846CA68B) & MASK
    return x ^ (x >> 16)


def level_digest_once(side: int, price: int, quantity: int) -> int:
    """
    Hash one level that is not expected again soon, as of a deep book that is loaded: nothing is remembered.

    Args:
        side: BID (0) or ASK (1).
        price: Ticks, below 2**31.
        quantity: Lots, above 0. Only the lower 32 bits count, and no book of the exchange has more: the engine lets no
            level grow beyond `openoutcry.wire.types.LEVEL_QUANTITY_MAX`.
    """
    return mix(mix((price ^ (side << 31)) & MASK) ^ (quantity & MASK))


level_digest: Final = functools.lru_cache(maxsize=LEVEL_CACHE_ENTRIES_MAX)(level_digest_once)
"""The same, remembered."""


def book_digest(bids: Iterable[Sequence[int]], asks: Iterable[Sequence[int]]) -> int:
    """Digest (price, quantity) levels from nothing, in O(levels); the order of levels is irrelevant."""
    total = sum(level_digest(BID, price, quantity) for price, quantity in bids)
    total += sum(level_digest(ASK, price, quantity) for price, quantity in asks)
    return total & MASK

"""The first user of a loop: each loop begins at another place, so that nobody is always first, nor always last.

The starts are the multiples of the golden ratio, which fill the ring more evenly than chance would. Over any run of
loops every user's mean place is nearly the same, whatever their number. That also holds if only every second loop
counts. It costs two integer operations; nothing is shuffled or copied.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain, islice
from typing import Final, TypeVar

T = TypeVar("T")

STEP: Final = 2_654_435_769
"""2**32 divided by the golden ratio."""
_MASK: Final = (1 << 32) - 1


class Rotation:
    """Where the next loop begins."""

    __slots__ = ("_turned",)

    def __init__(self) -> None:
        self._turned = 0

    def start(self, size: int) -> int:
        """Return the place, from 0 and below `size`, at which a loop over so many begins; 0 if there are none."""
        self._turned = (self._turned + STEP) & _MASK
        return self._turned * size >> 32

    def order(self, each: Collection[T]) -> list[T]:
        """Return all of these, beginning somewhere and going round; O(n), for loops that are rare or short."""
        if len(each) < 2:
            return list(each)
        start = self.start(len(each))
        return list(chain(islice(each, start, None), islice(each, start)))

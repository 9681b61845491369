"""The hashes of levels as the engine computes them: those of `openoutcry.wire.digest`, one or many at once.

The engine has its own `mix`, so that its core can be compiled as one; a test holds both equal.

Python has no small integers to be fast with, but big ones: values stand side by side in one of them, 64 bits each, and
every step of the hash is one operation on all. A product of two 32-bit numbers fits its lane, and what a shift lets
fall out of the lane above is masked away. Measured on CPython 3.11 and 3.12, ns a level: 265 one by one; 150 for 8
levels, 65 for 64, 55 for 512.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final

from openoutcry.wire.digest import MASK

if TYPE_CHECKING:
    # Where this is compiled, an integer of C, whose products may wrap: only their lower 32 bits count. Elsewhere an
    # annotation that nobody reads. Telling the change of each command is a sixth faster for it.
    from mypy_extensions import i64

LANES_MIN: Final = 6
"""Fewer are faster one by one."""
LANES_MAX: Final = 512
"""More are hashed in turns of so many, so that the mask has a length."""
_LANE_BYTES: Final = 8
_LANES: Final = sum(MASK << (8 * _LANE_BYTES * lane) for lane in range(LANES_MAX))
"""The lower 32 bits of every lane; the operations below are no longer than their values, whatever its length."""


def mix(x: i64) -> i64:
    """Return `openoutcry.wire.digest.mix` of a value below 2**32."""
    x ^= x >> 16
    x = (x * 0x7FEB352D) & MASK
    x ^= x >> 15
    x = (x * 0x846CA68B) & MASK
    return x ^ (x >> 16)


def mixed(values: Sequence[int]) -> list[int]:
    """Return `mix` of each value, which must be below 2**32."""
    count = len(values)
    if count < LANES_MIN:
        return [mix(value) for value in values]
    if count > LANES_MAX:
        parts = (values[first : first + LANES_MAX] for first in range(0, count, LANES_MAX))
        return list(chain.from_iterable(map(mixed, parts)))
    x = int.from_bytes(array("Q", values).tobytes(), sys.byteorder)
    x ^= (x >> 16) & _LANES
    x = (x * 0x7FEB352D) & _LANES
    x ^= (x >> 15) & _LANES
    x = (x * 0x846CA68B) & _LANES
    x ^= (x >> 16) & _LANES
    found = array("Q")
    found.frombytes(x.to_bytes(count * _LANE_BYTES, sys.byteorder))
    return found.tolist()

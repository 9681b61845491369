"""RFC 9162's Merkle trees as section 2.1 defines them: recursive, over lists of data, and nothing clever."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def mth(data: Sequence[bytes]) -> bytes:
    """MTH(D_n)."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = largest_power_of_two_below(len(data))
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D_n)."""
    if len(data) == 1:
        return []
    k = largest_power_of_two_below(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def proof(m: int, data: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D_n)."""
    return subproof(m, data, known=True)


def subproof(m: int, data: Sequence[bytes], *, known: bool) -> list[bytes]:
    """SUBPROOF(m, D_n, b)."""
    if m == len(data):
        return [] if known else [mth(data)]
    k = largest_power_of_two_below(len(data))
    if m <= k:
        return [*subproof(m, data[:k], known=known), mth(data[k:])]
    return [*subproof(m - k, data[k:], known=False), mth(data[:k])]


def largest_power_of_two_below(n: int) -> int:
    """Return k with k < n <= 2k."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k

"""Merkle trees as RFC 9162 (Certificate Transparency 2.0) defines them, section 2.1.

A leaf's hash is SHA-256(0x00 || data), a node's SHA-256(0x01 || left || right), an empty tree's SHA-256 of nothing. A
tree of n leaves is split at the largest power of two below n. Built from below, that is: pair the hashes of a level,
and let a last one without a partner rise as it is. So are all levels made here.

Owns the hashing, the paths within a list of hashes, and the two checks of a verifier. Leaves to `record_tree` the
proofs in a tree that grows, whose nodes are stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import add
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
PATH_HASHES_MAX: Final = 64
"""Of a path in a tree of up to 2^63 leaves; a longer one proves nothing, and is not read."""
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"
_sha256: Final = hashlib.sha256
_digest: Final = type(_sha256()).digest
"""The method itself, which `map` calls faster than a `methodcaller`."""


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf's data."""
    return _sha256(_LEAF + data).digest()


def leaf_hashes(data: Iterable[bytes]) -> list[bytes]:
    """Hash many leaves' data, in order; no line of Python runs for each."""
    return list(map(_digest, map(_sha256, map(add, repeat(_LEAF), data))))


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash a node of two."""
    return _sha256(_NODE + left + right).digest()


def level_above(level: Sequence[bytes]) -> list[bytes]:
    """Return the level above one; a last hash without a partner rises as it is."""
    hashes = iter(level)
    above = list(map(_digest, map(_sha256, map(b"".join, zip(repeat(_NODE), hashes, hashes, strict=False)))))
    if len(level) % 2:
        above.append(level[-1])
    return above


def levels_above(level: Sequence[bytes], count: int) -> Sequence[bytes]:
    """Return the level so many above one: the roots of its aligned pieces of 2^count hashes, in order."""
    for _ in range(count):
        if len(level) == 1:
            break
        level = level_above(level)
    return level


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaves' hashes (or over the roots of aligned pieces of them). O(n)."""
    level = hashes
    while len(level) > 1:
        level = level_above(level)
    return level[0] if level else EMPTY_ROOT


def inclusion_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes that lead from one of these to their root, from below. O(n)."""
    path = []
    level = hashes
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = level_above(level), index >> 1
    return path


def root_by_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """
    Return the root of the tree that holds a leaf's hash at `index`, as the path says (section 2.1.3.2).

    Returns:
        None if no tree of that size has such a path. Otherwise a root, to be compared with the one that is known.
    """
    if not 0 <= index < size:
        return None
    place, last, found = index, size - 1, leaf
    for sibling in path:
        if not last:
            return None
        if place % 2 or place == last:
            found = node_hash(sibling, found)
            while not place % 2 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    return None if last else found


def is_consistent(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """
    Tell whether the first `old_size` leaves of the new tree are the old tree's (section 2.1.4.2).

    Equal sizes need equal roots and an empty path; the RFC's own algorithm refuses them. Size 0 is refused: everything
    follows from nothing, and a head of an empty record is none.
    """
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    hashes = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    if not hashes:
        return False
    place, last = old_size - 1, new_size - 1
    while place % 2:
        place, last = place >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if not last:
            return False
        if place % 2 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not place % 2 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    return not last and old == old_root and new == new_root

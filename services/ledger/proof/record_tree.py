"""The tree over all blocks of a record: its leaves are the blocks' chain values, and it only ever grows.

A node whose leaves are all there never changes again. Block number n (from 1) completes the nodes that end at it: none
if n is odd, one if it is even, two if 4 divides it. Their hashes are stored with the block, so that any proof, of
inclusion or of consistency, at any size up to now, is made of at most 2 log2(n) blocks, found by their numbers.

Owns which nodes a proof is made of, and where they are stored. Checking is `merkle`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from services.ledger.proof.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash

SIZE_MAX: Final = 2**63 - 1


class Node(NamedTuple):
    """A node over the 2^level blocks from number place * 2^level + 1 on."""

    level: int
    place: int

    @property
    def block(self) -> int:
        """Number of the block that completes it, beside which it is stored."""
        return (self.place + 1) << self.level


class Stored(NamedTuple):
    """What a block's row holds of the tree."""

    chain: bytes
    nodes: bytes
    """The nodes above the block's own leaf that it completes, from below."""

    def hash_of(self, level: int) -> bytes:
        """Return the node of a level that ends at this block; level 0 is its leaf."""
        if level == 0:
            return leaf_hash(self.chain)
        return self.nodes[(level - 1) * HASH_BYTES : level * HASH_BYTES]


class Growth(NamedTuple):
    """The tree after a block more."""

    peaks: tuple[bytes, ...]
    completed: bytes
    """The nodes that this block completes, from below, as they are stored."""


def grow(peaks: Sequence[bytes], size: int, chain: bytes) -> Growth:
    """
    Append a block to a tree.

    Args:
        peaks: The tree's complete nodes, one for each bit of its size, the largest first.
        size: Blocks so far.
        chain: The new block's chain value.
    """
    held, node, completed = list(peaks), leaf_hash(chain), []
    while size & 1:
        node = node_hash(held.pop(), node)
        completed.append(node)
        size >>= 1
    return Growth((*held, node), b"".join(completed))


def root_of_peaks(peaks: Sequence[bytes]) -> bytes:
    """Return the root of a tree of these peaks, the largest first. O(log n)."""
    if not peaks:
        return EMPTY_ROOT
    found = peaks[-1]
    for peak in reversed(peaks[:-1]):
        found = node_hash(peak, found)
    return found


class Proof:
    """
    A proof that is to be made: first `nodes` says what is needed, then `path` makes it of that.

    Args:
        ranges: Of leaves, from and to (exclusive), whose roots are the path.
    """

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self._parts = [nodes_of(first, end) for first, end in ranges]

    def nodes(self) -> list[Node]:
        """Return the nodes that it is made of, at most 2 log2(n)."""
        return [node for part in self._parts for node in part]

    def path(self, blocks: Mapping[int, Stored]) -> list[bytes]:
        """Return the path, given (at least) the blocks that complete its nodes, by number."""
        return [root_of_peaks([blocks[node.block].hash_of(node.level) for node in part]) for part in self._parts]


def nodes_of(first: int, end: int) -> list[Node]:
    """Return the complete nodes that make up a range of leaves, from the left; it begins where a node as large does."""
    nodes = []
    while first < end:
        level = (end - first).bit_length() - 1
        nodes.append(Node(level, first >> level))
        first += 1 << level
    return nodes


def inclusion(index: int, size: int) -> Proof:
    """Return the proof that leaf `index` (from 0) is in the tree of that size: RFC 9162's PATH."""
    ranges = []
    first, end = 0, size
    while end - first > 1:
        split = first + _split(end - first)
        if index < split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((first, split))
            first = split
    return Proof(ranges[::-1])


def consistency(old_size: int, size: int) -> Proof:
    """Return the proof that a tree's first leaves are those of the tree of the old size: RFC 9162's PROOF."""
    ranges = []
    first, end = 0, size
    whole = True  # the old tree is the range's beginning from 0, whose root the verifier has
    while old_size != end:
        split = first + _split(end - first)
        if old_size <= split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((first, split))
            first, whole = split, False
    if not whole:
        ranges.append((first, end))
    return Proof(ranges[::-1])


def _split(leaves: int) -> int:
    """Return the largest power of two below a number of at least 2."""
    return 1 << ((leaves - 1).bit_length() - 1)

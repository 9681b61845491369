"""A stream as the servers keep it: in nodes, of which approximate trimming takes whole ones.

A node ends when the next entry would make it 4,096 bytes long, or when it has had 100 entries, deleted ones among them.
So what XTRIM leaves depends on the entries' bytes, and those are counted here as listpacks are written.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Final, NamedTuple, TypeAlias

Id: TypeAlias = tuple[int, int]

NODE_ENTRIES_MAX: Final = 100
"""`stream-node-max-entries` as the servers have it if nobody says otherwise."""
NODE_BYTES_MAX: Final = 4_096
_LISTPACK_BYTES: Final = 7
"""Of an empty listpack: total, number of elements, end."""
_INTEGERS: Final = ((-4_096, 4_095, 2), (-(2**15), 2**15 - 1, 3), (-(2**23), 2**23 - 1, 4), (-(2**31), 2**31 - 1, 5))


class Node(NamedTuple):
    """What is known of one."""

    first: Id
    """Of its first entry ever; ids are kept as distances from it."""
    fields: tuple[bytes, ...]
    """Names of the first entry's fields: entries of the same keep their values alone."""
    live: int
    deleted: int
    bytes: int


class Trim(NamedTuple):
    """What is to go: of XTRIM, or of XADD."""

    by_id: bool
    threshold: Id | int
    is_approximate: bool
    limit: int
    """Most entries that go in this call; 0 is any number."""


class Stream:
    """
    One stream: entries in order, the last id ever used, and the nodes.

    Args:
        node_entries: `stream-node-max-entries` of its server.
    """

    def __init__(self, node_entries: int = NODE_ENTRIES_MAX) -> None:
        self.ids: list[Id] = []
        self.fields: list[list[bytes]] = []
        self.last: Id = (0, 0)
        self.nodes: list[Node] = []
        self._node_entries = node_entries

    def copy(self) -> Stream:
        """Return a stream of the same entries."""
        other = Stream(self._node_entries)
        other.ids, other.fields, other.last = list(self.ids), list(self.fields), self.last
        other.nodes = list(self.nodes)
        return other

    def rows(self, first: int, end: int) -> list[Any]:
        """Return entries by index, as replies name them."""
        return [[b"%d-%d" % self.ids[index], self.fields[index]] for index in range(first, end)]

    def append(self, new: Id, fields: list[bytes]) -> None:
        """Add an entry, whose id is above the last."""
        self.ids.append(new)
        self.fields.append(fields)
        self.last = new
        names, size = tuple(fields[::2]), sum(map(len, fields))
        if not self.nodes or self._is_full(self.nodes[-1], size):
            master = [1, 0, len(names), *names, 0]
            self.nodes.append(Node(new, names, 0, 0, _LISTPACK_BYTES + sum(map(_element, master))))
        node = self.nodes[-1]
        written = _entry(node, new, names, fields)
        self.nodes[-1] = node._replace(live=node.live + 1, bytes=node.bytes + sum(map(_element, written)))

    def doomed(self, trim: Trim) -> tuple[int, list[Node]]:
        """Return how many of the first entries go, and the nodes that are left."""
        gone = taken = 0
        for node in self.nodes:
            if not trim.by_id and len(self.ids) - gone <= int(trim.threshold):  # type: ignore[call-overload]
                break
            if trim.limit and gone + node.live > trim.limit:
                break
            if self._stays(node, gone, trim):
                if not trim.is_approximate:
                    return self._exactly(trim, gone, taken)
                break
            gone, taken = gone + node.live, taken + 1
        return gone, self.nodes[taken:]

    def _exactly(self, trim: Trim, gone: int, taken: int) -> tuple[int, list[Node]]:
        """Take single entries out of the first node that stays: it keeps their bytes."""
        node, wanted = self.nodes[taken], self._below(trim) - gone
        left = node._replace(live=node.live - wanted, deleted=node.deleted + wanted)
        return gone + wanted, [left, *self.nodes[taken + 1 :]]

    def _below(self, trim: Trim) -> int:
        if trim.by_id:
            return bisect_left(self.ids, trim.threshold)
        return max(0, len(self.ids) - int(trim.threshold))  # type: ignore[call-overload]

    def _stays(self, node: Node, gone: int, trim: Trim) -> bool:
        if trim.by_id:
            return self.ids[gone + node.live - 1] >= trim.threshold  # type: ignore[operator]
        return len(self.ids) - gone - node.live < trim.threshold  # type: ignore[operator]

    def _is_full(self, node: Node, size: int) -> bool:
        return node.bytes + size >= NODE_BYTES_MAX or node.live + node.deleted >= self._node_entries


def _entry(node: Node, new: Id, names: tuple[bytes, ...], fields: list[bytes]) -> list[int | bytes]:
    """Return an entry's elements: flags, distances of the id, what is not known from the node, number of elements."""
    distances = [new[0] - node.first[0], new[1] - node.first[1]]
    if names == node.fields:
        return [2, *distances, *fields[1::2], len(names) + 3]
    return [0, *distances, len(names), *fields, 2 * len(names) + 4]


def _element(value: int | bytes) -> int:
    """Return the bytes of a listpack's element, with the length behind it by which one goes back."""
    size = _integer(value) if isinstance(value, int) else _string(value)
    return size + 1 + (size > 127) + (size > 16_383)


def _string(value: bytes) -> int:
    if len(value) <= 20 and (whole := _as_integer(value)) is not None:
        return _integer(whole)
    return len(value) + (1 if len(value) < 64 else 2 if len(value) < 4_096 else 5)


def _integer(value: int) -> int:
    if 0 <= value <= 127:
        return 1
    return next((size for low, high, size in _INTEGERS if low <= value <= high), 9)


def _as_integer(value: bytes) -> int | None:
    try:
        whole = int(value)
    except ValueError:
        return None
    return whole if b"%d" % whole == value and -(2**63) <= whole < 2**63 else None

"""A deep book's snapshot, encoded in parts while the book goes on.

Owns one snapshot as it is made. It shows the book at one seq: of each level that changes before its turn the old row is
kept, so what is read later is what stood there at the beginning. The bytes are those that `encode_messages` would give
for the whole message. Each part costs a bounded number of levels, whatever the book's size.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, TypeAlias

import msgpack

from openoutcry.wire.codec import Encoding, encode_messages
from openoutcry.wire.depth_book import DepthBook, DepthSide
from openoutcry.wire.digest import BID
from openoutcry.wire.messages import Level, Message, Snapshot
from shared.logs.events import BookChange
from shared.websocket_frame import BINARY, TEXT, frame_head

LEVELS_A_PART: Final = 4_000
"""Levels of one part, both encodings, some 3 ms."""

_PACKER: Final = msgpack.Packer()
_Row: TypeAlias = tuple[int, int, int]


class MadeSnapshot(Snapshot):
    """A snapshot that is encoded already; its own levels are left out, and `encode_messages` does not take it."""

    frames: Mapping[Encoding, bytes]
    """The finished WebSocket frame of this one message, by encoding."""


def holds_made(messages: Iterable[Message]) -> bool:
    """Tell whether a `MadeSnapshot` is among these; O(messages)."""
    return MadeSnapshot in map(type, messages)


def finished_frames(
    messages: Sequence[Message], encoding: Encoding, build: Callable[[Iterable[Message], Encoding], bytes]
) -> list[bytes]:
    """Return one frame that `build` makes of all, or one of each `MadeSnapshot` and of what lies between."""
    if not holds_made(messages):
        return [build(messages, encoding)]
    frames: list[bytes] = []
    for _, group in groupby(messages, type):
        found = list(group)
        made = [message.frames[encoding] for message in found if isinstance(message, MadeSnapshot)]
        frames += made or [build(found, encoding)]
    return frames


class SnapshotMaking:
    """
    One snapshot of a whole book.

    Args:
        book: As it stands now it is the snapshot; `note` must be told each change from now on.
        bid_orders: Price to orders at it, of every bid level; changed together with the book.
        ask_orders: Likewise.
    """

    __slots__ = ("_asks", "_bids", "_head", "_parts")

    def __init__(self, book: DepthBook, bid_orders: Mapping[int, int], ask_orders: Mapping[int, int]) -> None:
        self._head = Snapshot(book.instrument, book.epoch, book.seq, book.time, 0, (), (), book.digest)
        self._bids = _Side(book.bids, bid_orders)
        self._asks = _Side(book.asks, ask_orders)
        self._parts: tuple[_Encoded, _Encoded] = (_Encoded(), _Encoded())

    def note(self, change: BookChange) -> None:
        """Keep what a change is about to overwrite; O(levels it names). Call it before the book is changed."""
        self._bids.note(change.bids)
        self._asks.note(change.asks)

    def do_part(self) -> bool:
        """Encode some more levels; False if that was all."""
        for side, encoded in zip((self._bids, self._asks), self._parts, strict=True):
            if not side.is_done:
                encoded.add(side.take(LEVELS_A_PART))
                return True
        return False

    def made(self) -> MadeSnapshot:
        """Return the snapshot once all is encoded; O(bytes), at the speed of memory."""
        found = MadeSnapshot(*self._head)
        found.frames = {encoding: self._frame(encoding) for encoding in Encoding}
        return found

    def _frame(self, encoding: Encoding) -> bytes:
        """Put the levels where the empty sides of the head are."""
        whole = encode_messages([self._head], encoding)
        bids, asks = (encoded.array(encoding) for encoded in self._parts)
        if encoding is Encoding.JSON:
            before, between, behind = whole.partition(b'"bids":[],"asks":[]')
            parts = [before, b'"bids":', *bids, b',"asks":', *asks, behind]
            assert between
        else:
            tail = _PACKER.pack(self._head.digest)
            parts = [whole[: -len(tail) - 2], *bids, *asks, tail]
        size = sum(map(len, parts))
        return b"".join([frame_head(size, TEXT if encoding is Encoding.JSON else BINARY), *parts])


class _Side:
    """One side of the book, from the best level on, as it stood at the beginning."""

    __slots__ = ("_at", "_before", "_orders", "_side", "is_done")

    def __init__(self, side: DepthSide, orders: Mapping[int, int]) -> None:
        self._side = side
        self._orders = orders
        self._at = 0  # the worst price that was taken; 0: none
        self._before: dict[int, _Row | None] = {}  # behind it, what changed since: its row then, None if there was none
        self.is_done = False

    def note(self, levels: Iterable[Level]) -> None:
        before, quantities = self._before, self._side.quantities
        for level in levels:
            price = level[0]
            if price not in before and self._is_behind(price):
                quantity = quantities.get(price)
                before[price] = None if quantity is None else (price, quantity, self._orders[price])

    def take(self, count: int) -> list[_Row]:
        prices = self._side.prices_behind(self._at, count)
        quantities, orders, before = self._side.quantities, self._orders, self._before
        self.is_done = len(prices) < count
        if prices and not self.is_done:
            self._at = prices[-1]
        if not before:
            return [(price, quantities[price], orders[price]) for price in prices]
        due = {price: row for price, row in before.items() if self.is_done or not self._is_behind(price)}
        rows = [(price, quantities[price], orders[price]) for price in prices if price not in due]
        rows += [row for row in due.values() if row is not None]
        rows.sort(reverse=self._side.side == BID)
        for price in due:
            del before[price]
        return rows

    def _is_behind(self, price: int) -> bool:
        if self.is_done:
            return False
        return not self._at or (price < self._at if self._side.side == BID else price > self._at)


class _Encoded:
    """The rows of one side in both encodings, without the brackets round all of them."""

    __slots__ = ("_json", "_msgpack", "_rows")

    def __init__(self) -> None:
        self._rows = 0
        self._json: list[bytes] = []
        self._msgpack: list[bytes] = []

    def add(self, rows: list[_Row]) -> None:
        if not rows:
            return
        self._rows += len(rows)
        self._json.append(json.dumps(rows, separators=(",", ":"))[1:-1].encode())
        self._msgpack.append(_PACKER.pack(rows)[len(_array_head(len(rows))) :])

    def array(self, encoding: Encoding) -> list[bytes]:
        if encoding is Encoding.MSGPACK:
            return [_array_head(self._rows), *self._msgpack]
        return [b"[", *[piece for part in self._json for piece in (b",", part)][1:], b"]"]


def _array_head(size: int) -> bytes:
    head: bytes = _PACKER.pack_array_header(size)
    return head

"""Where the ledger stands, what the feed's next packet is to it, and what a new history leaves behind.

Pure. Histories are the ledger's own: one an epoch, and one more where a store that lost its tail went on in the same
epoch. A record is current if its history has not been left below it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from services.ledger.command_block import entry_place
from shared.logs.packet import FeedId, Packet

LOG_START = "0-0"
"""Before the first entry of the command log."""


class WriterPlace(NamedTuple):
    """How far the ledger is; the row of table `place`."""

    shard: int
    history: int
    epoch: int
    term: int
    position: int
    feed_id: str
    log_id: str
    time: int
    """Of the last command, µs."""
    block: int
    """Number of the last one."""
    chain: bytes


class HistoryRow(NamedTuple):
    """A row of table `history`."""

    number: int
    shard: int
    epoch: int
    parent: int | None
    from_position: int
    from_log_id: str
    until_position: int | None
    began: int


class Next(enum.Enum):
    """What a packet is to a place."""

    FOLLOWS = "follows"
    """It begins where the ledger is."""
    FORKS = "forks"
    """Another history begins, at or below where the ledger is."""
    MISSES = "misses"
    """Packets are missing before it."""
    REPEATS = "repeats"
    """The ledger has it."""


def judge(place: WriterPlace | None, feed_id: FeedId, packet: Packet) -> Next:
    """Say what the feed's next packet is to a place; None: the ledger has nothing yet."""
    if place is None:
        return Next.FORKS if packet.prev == 0 else Next.MISSES
    if feed_id <= FeedId.parse(place.feed_id):
        return Next.REPEATS
    if packet.prev > place.position:
        return Next.MISSES
    # Behind it under a higher term, in the same epoch: a store that lost its tail, and nobody was left who knew.
    return Next.FOLLOWS if packet.prev == place.position and packet.epoch == place.epoch else Next.FORKS


def ancestry(histories: Mapping[int, HistoryRow], number: int) -> Iterator[HistoryRow]:
    """Yield a history and those that it goes on from, the newest first."""
    next_number: int | None = number
    while next_number is not None:
        row = histories[next_number]
        yield row
        next_number = row.parent


def forked(
    histories: Mapping[int, HistoryRow], place: WriterPlace | None, shard: int, packet: Packet
) -> tuple[HistoryRow, list[HistoryRow]]:
    """
    Begin the history of a packet.

    Args:
        histories: All of the shard, by number.
        place: Of the ledger; None: it has nothing yet.
        shard: The market.
        packet: The first one of it; its `prev` is where it begins.

    Returns:
        The new history, and those that it leaves, with their ends lowered: a history may begin below where the one
        that it leaves has begun itself.
    """
    at = packet.prev
    number = max(histories, default=0) + 1
    parent, left = None, list[HistoryRow]()
    for row in ancestry(histories, place.history) if place is not None else ():
        if row.until_position is None or row.until_position > at:
            left.append(row._replace(until_position=at))
        if row.from_position <= at:
            parent = row.number
            break
    began = HistoryRow(number, shard, packet.epoch, parent, at, lower(packet.log_id, place), None, packet.time)
    return began, left


def lower(log_id: str, place: WriterPlace | None) -> str:
    """Return the entry of the log from which on a history's commands are read."""
    if place is None:
        return LOG_START
    return min(log_id, place.log_id, key=lambda each: entry_place(each.encode()))

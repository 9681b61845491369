"""Rows of packets that were replayed: those that the ledger's writer makes of the same packets' bytes.

Owns the short way for what most packets are, orders and what came of them, whose rows are made of the packet as it is
at hand. Any other packet is packed, read again and given to the writer's own `Rows`. Invariant: both ways give the same
rows, but for those of `packet`, which are compared where they are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from openoutcry.wire.messages import PLAIN_END, PLAIN_EXECUTION
from services.ledger.asked_commands import AskedCommands
from services.ledger.command_block import StoredEntry
from services.ledger.rows import NO_SIDE, Memory, Row, Rows, refusal_rows, trade_rows
from shared.logs.feed_entry import FeedEntry
from shared.logs.packet import FeedId, Packet, decode_packet

PACKET: Final = "packet"
_OTHERS: Final = slice(Packet._fields.index("statuses"), None)
"""The sections of what is not an order's: they are empty in nearly all packets."""
_NOTHING_MORE: Final = ()


class ReplayedRows:
    """
    Rows of whole packets of one history, by table.

    Args:
        history: The ledger's number of it.
        memory: Of the packets before; changed by each that is added.
    """

    def __init__(self, history: int, memory: Memory) -> None:
        self._history = history
        self._rows = Rows(history, memory)
        self.by_table = self._rows.by_table
        """In the order of the feed, a table's rows by position."""
        self.packets = 0
        self.commands = 0

    @property
    def closes(self) -> list[tuple[int, str]]:
        """Position and trading day of each close."""
        return self._rows.closes

    @property
    def count(self) -> int:
        """How many rows there are, each packet's own among them."""
        return self.packets + sum(len(rows) for table, rows in self.by_table.items() if table != PACKET)

    def add(
        self, packet: Packet, data: bytes, origin: tuple[int, int], asked: Sequence[StoredEntry], *, has_acts: bool
    ) -> None:
        """
        Add a packet.

        Args:
            packet: As it was replayed.
            data: The same, packed.
            origin: Its term, and when it was published, as recorded.
            asked: The entries of the log that it answers.
            has_acts: Whether commands of the administration are among them.
        """
        self.packets += 1
        self.commands += packet.position - packet.prev
        others: Sequence[Any] = packet[_OTHERS]  # type: ignore[assignment]  # behind the numbers there are sections
        uncrossed = [trade for trade in packet.trades if trade[6] == NO_SIDE]
        if has_acts or uncrossed or any(others):
            term, published = origin
            entry = FeedEntry(FeedId(term, packet.position), decode_packet(data), data, published)
            self._rows.add(entry, AskedCommands(asked))
            return
        self._add_orders(packet, asked)

    def _add_orders(self, packet: Packet, asked: Sequence[StoredEntry]) -> None:
        history, position, tables = self._history, packet.position, self.by_table
        if packet.executions:
            tables["execution"] += [
                (history, position, ordinal, user, *execution, *_left_out(execution))
                for ordinal, (user, execution) in enumerate(packet.executions)
            ]
        if packet.changes:
            tables["book_mark"] += [(history, position, change[0], change[2], change[5]) for change in packet.changes]
        if packet.trades:
            tables["trade"] += _placed(history, position, trade_rows(packet, {}))
        refused = [outcome for outcome in packet.outcomes if outcome[2]]
        if refused:
            tables["refusal"] += _placed(history, position, refusal_rows(packet, AskedCommands(asked)))


def _left_out(execution: Sequence[Any]) -> tuple[Any, ...]:
    """Return the last fields, which the engine leaves out of most executions."""
    return PLAIN_END if len(execution) == PLAIN_EXECUTION else _NOTHING_MORE


def _placed(history: int, position: int, rows: list[Row]) -> list[Row]:
    return [(history, position, ordinal, *row) for ordinal, row in enumerate(rows)]

"""What one transaction will write: whole packets, the commands up to the last one's, and the place after them.

Pure. Everything in it is of one history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.ledger.asked_commands import AskedCommands
from services.ledger.command_block import StoredEntry, encode_entries, entry_place
from services.ledger.fork import WriterPlace
from services.ledger.proof.block_chain import BlockSpan
from services.ledger.proof.leaf import BlockRows
from services.ledger.rows import Memory, Rows
from shared.logs.feed_entry import FeedEntry

COMMANDS_MAX: Final = 8_192
"""From so many commands on a transaction is full. The packet that reaches the limit is in it whole."""
BYTES_MAX: Final = 8 << 20
"""The same of the bytes of its packets and entries."""
NO_ENTRIES: Final = ((0, 0), (0, 0))


class CommandsMissing(Exception):
    """The log does not have the commands of a packet (yet, or any more); the text says of which."""


class Draft:
    """
    One transaction, while it grows.

    Args:
        place: Before it.
        memory: Of the packets before; changed by every packet that is added.
    """

    def __init__(self, place: WriterPlace, memory: Memory) -> None:
        self.before = place
        self.after = place
        """Block and chain are yet to be set."""
        self.rows = Rows(place.history, memory)
        self.entries: list[StoredEntry] = []
        self.packets: list[FeedEntry] = []
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether no packet more should be added. Balances of a day's end are those after its packet."""
        return bool(self.rows.closes) or self.rows.commands >= COMMANDS_MAX or self._bytes >= BYTES_MAX

    def add(self, entry: FeedEntry, entries: Sequence[StoredEntry]) -> None:
        """
        Add the packet that follows.

        Args:
            entry: As it stands in the feed.
            entries: The log's entries behind those of the packet before, up to this one's `log_id`.

        Raises:
            CommandsMissing: If there are more in the packet than in the entries.
            ValueError: If the packet says what no engine says; or TypeError, LookupError, AttributeError,
                MalformedMessage. The draft is as it was.
        """
        packet, asked = entry.packet, AskedCommands(entries)
        if asked.count < packet.position - packet.prev:
            raise CommandsMissing(
                f"the log holds {asked.count} commands for packet {entry.feed_id}, which answers "
                f"{packet.position - packet.prev}"
            )
        self.rows.add(entry, asked)
        self.packets.append(entry)
        self.entries += entries
        self._bytes += len(entry.data) + sum([len(value) for _, fields in entries for value in fields.values()])
        # The leader may read the log again from an earlier entry, and so does whoever follows.
        self.after = self.after._replace(
            term=entry.feed_id.term, position=packet.position, feed_id=str(entry.feed_id), log_id=packet.log_id,
            time=packet.time,
        )  # fmt: skip

    def encoded(self) -> bytes:
        """Return the commands as the block holds them; O(their bytes)."""
        return encode_entries(self.entries)

    def span(self) -> BlockSpan:
        """Return from where to where it goes."""
        first, last = (
            (entry_place(self.entries[0][0]), entry_place(self.entries[-1][0])) if self.entries else NO_ENTRIES
        )
        return BlockSpan(
            self.before.history, self.before.epoch, self.before.position + 1, self.after.position, *first, *last,
            self.after.time,
        )  # fmt: skip

    def packet_hashes(self) -> list[bytes]:
        """Return the SHA-256 of each packet's bytes."""
        return [row[-1] for row in self.rows.by_table["packet"]]

    def leaves(self) -> BlockRows:
        """Return the rows that can be proven one by one."""
        tables = self.rows.by_table
        return BlockRows(tables["execution"], tables["transfer"], tables["refusal"])

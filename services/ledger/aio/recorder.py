"""From packets and entries as they were read to transactions: what follows the place is gathered and written.

Owns where a transaction ends: it is full, the feed gives no more for now, or another history begins. Leaves reading to
`log_follower`, and what a missing packet means.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from openoutcry.wire.errors import MalformedMessage
from services.ledger.aio.ledger_writer import LedgerWriter
from services.ledger.command_block import StoredEntry, entry_place
from services.ledger.draft import CommandsMissing, Draft
from services.ledger.fork import Next, judge
from shared.logs.feed_entry import FeedEntry
from shared.store_errors import CorruptEntry


class PacketsMissing(Exception):
    """
    The feed goes on behind packets that the ledger does not have.

    Args:
        entry: The first one behind them.
    """

    def __init__(self, entry: FeedEntry) -> None:
        super().__init__(f"packet {entry.feed_id} begins at position {entry.packet.prev}")
        self.entry = entry


class Recorder:
    """
    Brings packets to a writer.

    Args:
        writer: At its place.
    """

    def __init__(self, writer: LedgerWriter) -> None:
        self.writer = writer
        self._counts = (0, 0, 0, 0)

    def take_counts(self) -> tuple[int, int, int, int]:
        """Return how many packets, commands, events and blocks were written since this was asked last."""
        counts, self._counts = self._counts, (0, 0, 0, 0)
        return counts

    def record(self, feed: Iterable[FeedEntry], log: deque[StoredEntry]) -> None:
        """
        Write packets, as many of them in one transaction as it holds.

        Args:
            feed: Behind the writer's place, in order.
            log: Entries behind the place's, in order, at least up to the last packet's `log_id`; those that were
                written are taken from it.

        Raises:
            PacketsMissing: Before a packet that does not follow; those before it have been written.
            CommandsMissing: The log does not reach to a packet; those before it have been written.
            CorruptEntry: A packet says what no engine says; those before it have been written.
            PlaceTaken: And others of the writer.
        """
        draft: Draft | None = None
        for entry in feed:
            place = draft.after if draft is not None else self.writer.place
            verdict = judge(place, entry.feed_id, entry.packet)
            if verdict is Next.REPEATS:
                continue
            if verdict is not Next.FOLLOWS:
                self._write(draft)
                draft = None
                if verdict is Next.MISSES:
                    raise PacketsMissing(entry)
                self.writer.begin_history(entry.packet)
            assert self.writer.place is not None
            if draft is None:
                draft = Draft(self.writer.place, self.writer.memory)
            try:
                draft.add(entry, _taken(log, entry, draft.after.log_id))
            except CommandsMissing:
                self._write(draft)
                raise
            except (ValueError, TypeError, LookupError, AttributeError, MalformedMessage) as error:
                self._write(draft)
                raise CorruptEntry("the feed", str(entry.feed_id), f"its rows cannot be made: {error}") from error
            if draft.is_full:
                self._write(draft)
                draft = None
        self._write(draft)

    def _write(self, draft: Draft | None) -> None:
        if draft is None or not draft.packets:
            return
        self.writer.write(draft)
        packets, commands, events, blocks = self._counts
        rows = draft.rows
        self._counts = (packets + rows.packets, commands + rows.commands, events + rows.events, blocks + 1)


def _taken(log: deque[StoredEntry], entry: FeedEntry, before: str) -> list[StoredEntry]:
    """Take the entries up to a packet's from what was read of the log."""
    packet = entry.packet
    last = entry_place(packet.log_id.encode())
    if last < entry_place(before.encode()):
        # A leader of a store that lost its tail reads the log again from there, and so does whoever follows.
        log.clear()
        return []
    if last == entry_place(before.encode()):
        return []
    taken: list[StoredEntry] = []
    while log and entry_place(log[0][0]) <= last:
        taken.append(log.popleft())
    if not taken or entry_place(taken[-1][0]) != last:
        log.extendleft(reversed(taken))
        raise CommandsMissing(f"the log does not have entry {packet.log_id}, the last one of packet {entry.feed_id}")
    return taken

"""From what the store holds to a living engine: checkpoint, tail of the command log, last packet of the feed.

Owns the rule of recovery: load the checkpoint, apply the commands after it, publish nothing up to the feed's last
position. Leaves reading the store to `aio`. The engine that comes out agrees with the feed's last packet, or there
is none.
"""

from __future__ import annotations

from openoutcry.wire.errors import MalformedMessage
from services.matching.command_log import LogEntry, entry_place
from services.matching.engine import Engine
from services.matching.packet_builder import take_changes
from services.matching.recovery.checkpoint import Checkpoint
from shared.logs.packet import FEED_START, FeedId, Packet, decode_packet
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry


class Recovery:
    """
    One recovery.

    Args:
        keys: For errors.
        checkpoint: One of those that the store keeps, whichever; from an older one there is more to apply. None if it
            has none.
        feed_entry: Id and packet of the feed's last entry that an engine wrote, or None.
        end: The feed's last id, if something stands behind that entry that no engine wrote; whoever leads goes on
            behind it.

    Raises:
        CorruptEntry: If the feed's entry is not what an engine writes.
    """

    def __init__(
        self,
        keys: StreamKeys,
        checkpoint: Checkpoint | None,
        feed_entry: tuple[FeedId, bytes] | None,
        end: FeedId | None = None,
    ) -> None:
        self._keys = keys
        self.engine = Engine()
        self.term = 0
        """The highest term seen."""
        self.store_id: str | None = None
        """The store's replication id when the checkpoint was written; None if there is no checkpoint."""
        self.feed_id = FEED_START
        """Of the feed's last packet."""
        self.packet: Packet | None = None
        """The feed's last packet."""
        self._has_replayed = False
        if checkpoint is not None:
            self.engine, self.term, self.store_id, _ = checkpoint
        if feed_entry is not None:
            self._expect(*feed_entry)
        self.end = end or self.feed_id
        """The feed's last id."""
        self.history_lost = self.engine.position > self.feed_id.position
        """Whether the feed ends before the checkpoint: what was published after that is gone."""

    @property
    def reached(self) -> bool:
        """Whether the engine stands at the feed's last position, or beyond it."""
        return self.engine.position >= self.feed_id.position

    def apply(self, entry: LogEntry) -> None:
        """Apply the next entry of the command log; only until `reached`."""
        for command in entry.commands:
            self.engine.apply(command, entry.time_us)
            self._has_replayed = True
        self.engine.log_id = entry.entry_id
        take_changes(self.engine)

    def finish(self) -> Engine:
        """
        Return the engine.

        Raises:
            CorruptEntry: If the log does not lead to the feed's position, or engine and feed disagree there.
        """
        position, wanted = self.engine.position, self.feed_id.position
        if position != wanted and not self.history_lost:
            reason = f"it leads to position {position}, and the feed ends at {wanted}: commands are missing"
            raise CorruptEntry(self._keys.commands, self.engine.log_id, reason)
        if self.packet is not None and self.packet.position == position:
            if self._has_replayed:
                self._check_place(self.packet)
            self._compare(self.packet)
        return self.engine

    def _expect(self, feed_id: FeedId, data: bytes) -> None:
        try:
            self.packet = decode_packet(data)
        except MalformedMessage as error:
            raise CorruptEntry(self._keys.feed, str(feed_id), str(error)) from error
        if self.packet.position != feed_id.position:
            raise CorruptEntry(self._keys.feed, str(feed_id), f"its packet says position {self.packet.position}")
        self.feed_id = feed_id
        self.term = max(self.term, feed_id.term)

    def _check_place(self, packet: Packet) -> None:
        """
        Find out that entries which were applied cannot be read any more: others stand for them, further on in the log.

        A marker's place says nothing: its leader may have gone back in the log before.
        """
        is_marker = packet.prev == packet.position
        if not is_marker and entry_place(self.engine.log_id) > entry_place(packet.log_id):
            reason = (
                f"position {packet.position} is there in the feed, and at {self.engine.log_id} in the log as it is now"
            )
            raise CorruptEntry(
                self._keys.commands, packet.log_id, f"{reason}: what was applied cannot be read any more"
            )

    def _compare(self, packet: Packet) -> None:
        for change in packet.changes:
            book = self.engine.instruments[change.instrument].book
            if (book.seq, book.digest) != (change.seq, change.digest):
                reason = (
                    f"{change.instrument} stands at seq {change.seq}, digest {change.digest} there, and "
                    f"at seq {book.seq}, digest {book.digest} in the engine that was recovered"
                )
                raise CorruptEntry(self._keys.feed, str(self.feed_id), reason)

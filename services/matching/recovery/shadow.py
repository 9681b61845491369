"""A standby's own market: the leader's commands applied again, and every packet of the feed compared with what it made.

Owns the proof that the standby has the leader's state: its packets are the leader's, byte for byte. Leaves reading the
two logs to `aio.recovery.standby`. A shadow that differs is of no use any more: make another from the checkpoint.
Invariant: between two packets the engine is at `feed_id`.
"""

from __future__ import annotations

from openoutcry.wire.errors import OpenOutcryError
from services.matching.command_log import LogEntry
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.replay import Recovery
from services.matching.recovery.sent_packets import KeptPackets, SentPacket
from shared.logs.packet import Packet, encode_packet


class ShadowBroken(OpenOutcryError):
    """The shadow is not the leader's market (any more); the text says where they part."""


class NothingToFollow(ShadowBroken):
    """No leader has gone on behind what stands at the feed's end; there may be one soon."""


class Shadow:
    """
    A market that follows another.

    Args:
        recovery: Replayed up to the feed's last position.

    Raises:
        ShadowBroken: If the store has lost what led to its checkpoint: there is nothing to follow.
        NothingToFollow: If the feed ends with what no engine wrote.
        CorruptEntry: See `Recovery.finish`.
    """

    def __init__(self, recovery: Recovery) -> None:
        if recovery.history_lost:
            raise ShadowBroken(f"the feed ends at {recovery.feed_id}, before the checkpoint")
        if recovery.end != recovery.feed_id:
            raise NothingToFollow(
                f"the feed ends with {recovery.end}, which no engine wrote; a leader goes on behind it"
            )
        self.engine = recovery.finish()
        self.term = recovery.term
        """The highest term seen."""
        self.feed_id = recovery.feed_id
        """The last packet followed."""
        self.kept = KeptPackets()
        """The packets followed last, to restore a store that loses them together with the leader."""
        self._builder = PacketBuilder(self.engine)

    @property
    def is_between_packets(self) -> bool:
        """Whether every command applied belongs to a packet that was confirmed."""
        return self.engine.position == self.feed_id.position

    def lacks_commands_of(self, packet: Packet) -> bool:
        """Whether commands must be applied before a packet can be confirmed."""
        return self.engine.position < packet.position

    def apply(self, entry: LogEntry) -> None:
        """Apply the next entry of the command log."""
        for command in entry.commands:
            self._builder.apply(command, entry.time_us)
        self.engine.log_id = entry.entry_id

    def confirm(self, entry: SentPacket, packet: Packet) -> None:
        """
        Compare the feed's next packet with what its commands did here; O(its bytes).

        Args:
            entry: As it stands in the feed, after `feed_id`.
            packet: Its content.

        Raises:
            ShadowBroken: If packets are missing before it, or it is not the packet made here.
        """
        if packet.epoch != self.engine.epoch and self.engine.position:
            raise ShadowBroken(f"packet {entry.feed_id} is of epoch {packet.epoch}, not of {self.engine.epoch}")
        self.engine.epoch = packet.epoch
        mine = self._builder.take() or self._builder.marker()
        # The leader may have read on, over entries that only repeat: they are no part of the market.
        if encode_packet(mine._replace(log_id=packet.log_id)) != entry.packet:
            raise ShadowBroken(
                f"packet {entry.feed_id} covers positions {packet.prev} to {packet.position} and is not what its "
                f"commands do here, from {mine.prev} to {mine.position}"
            )
        self.kept.add(entry)
        self.feed_id = entry.feed_id
        self.term = max(self.term, entry.feed_id.term)

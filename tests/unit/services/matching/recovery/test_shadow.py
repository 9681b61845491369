"""The standby's market: every packet confirmed byte for byte, every difference found."""

from __future__ import annotations

import tracemalloc
from random import Random

import msgpack
import pytest

from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching import Engine
from services.matching.command_log import LogEntry
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import (
    CHECKPOINT_VERSION,
    Checkpoint,
    encode_checkpoint,
    position_told,
    read_head,
)
from services.matching.recovery.replay import Recovery
from services.matching.recovery.sent_packets import SentPacket
from services.matching.recovery.shadow import NothingToFollow, Shadow, ShadowBroken
from shared.logs.commands import CancelAll, Command, ListInstrument, PlaceOrder
from shared.logs.packet import FEED_START, FeedId, Packet, encode_packet
from shared.logs.stream_keys import StreamKeys
from tests.unit.services.matching.flow import ACME

KEYS = StreamKeys()
TERM = 7


def commands(random: Random, count: int) -> list[Command]:
    made: list[Command] = [ListInstrument("gw", 1, ACME)]
    rules = (TimeInForce.GTC, False, SelfTradePrevention.CANCEL_OLDEST)
    for number in range(2, count + 2):
        user = random.choice(["ann", "bob", "cat"])
        if random.random() < 0.05:
            made.append(CancelAll("gw", number, user, None))
        else:
            side, price, quantity = random.choice(list(Side)), random.randint(95, 105), random.randint(1, 9)
            made.append(
                PlaceOrder("gw", number, user, "ACME", f"c{number}", side, OrderKind.LIMIT, price, quantity, *rules)
            )
    return made


class Leader:
    """An engine that publishes, the log that it reads, and the feed that it writes."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.log: list[LogEntry] = []
        self.feed: list[tuple[SentPacket, Packet]] = []
        self.builder = PacketBuilder(Engine())
        self.builder.engine.epoch = 99
        self._tell(self.builder.marker())
        rest = commands(self.random, 150)
        while rest:
            size = self.random.randint(1, 4)
            self._read([*rest[:size], *(rest[:1] if self.random.random() < 0.2 else [])])  # some are repeated
            rest = rest[size:]

    def _read(self, found: list[Command]) -> None:
        entry = LogEntry(f"{len(self.log) + 1}-0", len(self.log) * 1_000, found)
        self.log.append(entry)
        for command in entry.commands:
            self.builder.apply(command, entry.time_us)
        self.builder.engine.log_id = entry.entry_id
        if self.random.random() < 0.6:
            packet = self.builder.take()
            if packet is not None:
                self._tell(packet)

    def _tell(self, packet: Packet) -> None:
        before = self.feed[-1][0].feed_id if self.feed else FEED_START
        entry = SentPacket(FeedId(TERM, packet.position), before, encode_packet(packet), 1)
        self.feed.append((entry, packet))


def follow(shadow: Shadow, leader: Leader, log: list[LogEntry]) -> None:
    """Follow all that the leader has told, as the standby does."""
    rest = iter(log)
    for entry, packet in leader.feed:
        while shadow.lacks_commands_of(packet):
            shadow.apply(next(rest))
        shadow.confirm(entry, packet)


@pytest.mark.parametrize("seed", range(5))
def test_every_packet_of_the_leader_is_made_here_too(seed: int) -> None:
    """However the leader cut its batches, and whatever was repeated in the log."""
    leader = Leader(seed)
    shadow = Shadow(Recovery(KEYS, None, None))
    follow(shadow, leader, leader.log)
    last = leader.feed[-1][0]
    assert (shadow.feed_id, shadow.term, shadow.is_between_packets) == (last.feed_id, TERM, True)
    assert shadow.engine.epoch == 99
    assert shadow.kept.after(leader.feed[2][0].feed_id) == [entry for entry, _ in leader.feed[3:]]


def test_it_stands_where_the_leader_stands() -> None:
    """A standby that takes over must be the leader, down to the last counter."""
    leader = Leader(1)
    shadow = Shadow(Recovery(KEYS, None, None))
    follow(shadow, leader, leader.log)
    packet = leader.builder.take()
    for entry in leader.log:  # again, as after a takeover: what was applied is skipped
        shadow.apply(entry)
    assert packet is None or shadow.engine.position == packet.position
    engines = (leader.builder.engine, shadow.engine)
    states = [encode_checkpoint(Checkpoint(engine, TERM, "store")) for engine in engines]
    assert states[0] == states[1]


@pytest.mark.parametrize("seed", range(5))
def test_a_command_lost_or_changed_is_found(seed: int) -> None:
    """A standby that would lead another market must not lead."""
    leader = Leader(seed)
    random = Random(seed)
    spot = random.randrange(1, len(leader.log) // 2)
    log = leader.log[:spot] + leader.log[spot + 1 :]
    with pytest.raises((ShadowBroken, StopIteration)):
        follow(Shadow(Recovery(KEYS, None, None)), leader, log)


def test_a_packet_left_out_is_found() -> None:
    leader = Leader(3)
    del leader.feed[4]
    with pytest.raises(ShadowBroken, match="is not what its commands do here"):
        follow(Shadow(Recovery(KEYS, None, None)), leader, leader.log)


def test_another_epoch_is_another_history() -> None:
    leader = Leader(3)
    entry, packet = leader.feed[-1]
    other = packet._replace(epoch=100)
    leader.feed[-1] = (entry._replace(packet=encode_packet(other)), other)
    with pytest.raises(ShadowBroken, match="of epoch 100"):
        follow(Shadow(Recovery(KEYS, None, None)), leader, leader.log)


def test_a_feed_that_ends_before_the_checkpoint_is_not_followed() -> None:
    leader = Leader(3)
    checkpoint = Checkpoint(leader.builder.engine, TERM, "store")
    with pytest.raises(ShadowBroken, match="before the checkpoint"):
        Shadow(Recovery(KEYS, checkpoint, None))


def test_a_checkpoints_head_is_read_without_its_body() -> None:
    engine = Leader(1).builder.engine
    head = read_head(encode_checkpoint(Checkpoint(engine, TERM, "store", shard=3)))
    assert head == (3, TERM, "store", engine.epoch, engine.position, engine.log_id)


def test_a_damaged_head_takes_no_memory() -> None:
    """Found by fuzzing: an array was made as long as it announced, although nothing came after."""
    damaged = msgpack.packb((CHECKPOINT_VERSION, 0, b"\x9e\xdd\x05\x00\x00\x00"))
    tracemalloc.start()
    try:
        assert position_told(damaged) is None
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_what_no_engine_wrote_at_the_feed_s_end_is_not_followed() -> None:
    """The engine that recovered stands before it; whoever leads goes on behind it."""
    recovery = Recovery(KEYS, None, None, FeedId(7, 1))
    assert (recovery.feed_id, recovery.end) == (FEED_START, FeedId(7, 1))
    with pytest.raises(NothingToFollow, match="ends with 7-1, which no engine wrote"):
        Shadow(recovery)

"""Two checkpoints are kept, and from either one arrives at the same market: what follows is the same, byte for byte."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.matching import Engine
from services.matching.command_log import LogEntry
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from services.matching.recovery.replay import Recovery
from shared.logs.commands import Command
from shared.logs.packet import FeedId, encode_packet
from shared.logs.stream_keys import StreamKeys
from tests.property.command_flow import command_logs
from tests.property.examples import FEWER

KEYS = StreamKeys()


def entries_of(log: list[Command]) -> list[LogEntry]:
    return [LogEntry(f"{n}-0", n * 1_000_000, [command]) for n, command in enumerate(log, 1)]


class Market:
    """A leader that notes its packets, each with the checkpoint behind it, and may be another one's successor."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.told: list[tuple[FeedId, bytes, bytes]] = []

    def apply(self, entries: list[LogEntry], cuts: set[int]) -> None:
        builder = PacketBuilder(self.engine)
        for n, entry in enumerate(entries):
            for command in entry.commands:
                builder.apply(command, entry.time_us)
            self.engine.log_id = entry.entry_id
            if n in cuts or entry is entries[-1]:
                packet = builder.take()
                if packet is not None:
                    checkpoint = encode_checkpoint(Checkpoint(self.engine, 7, "store"))
                    self.told.append((FeedId(7, packet.position), encode_packet(packet), checkpoint))


def recovered(checkpoint: bytes, feed_id: FeedId, packet: bytes, log: list[LogEntry]) -> Engine:
    recovery = Recovery(KEYS, decode_checkpoint(checkpoint), (feed_id, packet))
    for entry in log:
        if not recovery.reached and entry.time_us > int(recovery.engine.log_id.partition("-")[0]) * 1_000_000:
            recovery.apply(entry)
    return recovery.finish()


@FEWER
@given(
    log=command_logs(),
    died_after=st.integers(1, 60),
    cuts=st.sets(st.integers(0, 70)),
    cuts_later=st.sets(st.integers(0, 70)),
    ages=st.tuples(st.integers(0, 70), st.integers(0, 70)),
)
def test_from_either_checkpoint_the_same_packets_follow(
    log: list[Command], died_after: int, cuts: set[int], cuts_later: set[int], ages: tuple[int, int]
) -> None:
    """One of them may be found damaged; users must not be able to tell which was used, nor that the engine died."""
    before, after = entries_of(log)[:died_after], entries_of(log)[died_after:]
    leader = Market(Engine())
    leader.apply(before, cuts)
    if not leader.told:
        return
    feed_id, packet, _ = leader.told[-1]
    checkpoints = [leader.told[max(0, len(leader.told) - 1 - age)][2] for age in ages]
    successors = [Market(recovered(data, feed_id, packet, before)) for data in checkpoints]
    for market in (leader, *successors):
        market.told.clear()
        market.apply(after, cuts_later)
        market.engine.check_invariants()
    assert successors[0].told == successors[1].told == leader.told

"""From checkpoint, log and feed to an engine, or to an error."""

from __future__ import annotations

import pytest

from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching import Engine
from services.matching.command_log import LogEntry
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from services.matching.recovery.replay import Recovery
from shared.logs.commands import ListInstrument, PlaceOrder, Tick
from shared.logs.packet import FeedId, encode_packet
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry
from tests.unit.services.matching.flow import ACME

KEYS = StreamKeys()


def order(number: int) -> PlaceOrder:
    rules = (TimeInForce.GTC, False, SelfTradePrevention.CANCEL_NEWEST)
    return PlaceOrder("gw", number, "ann", "ACME", f"c{number}", Side.BID, OrderKind.LIMIT, 90 + number, 1, *rules)


LOG = [LogEntry("1-0", 1_000, [ListInstrument("leader", 1, ACME)])] + [
    LogEntry(f"{n + 1}-0", (n + 1) * 1_000, [order(n), Tick("leader", n + 1)]) for n in range(1, 6)
]


def history(entries: int) -> tuple[Engine, tuple[FeedId, bytes], bytes]:
    """The engine after so many entries, its last packet, its checkpoint."""
    builder = PacketBuilder(Engine())
    last = b""
    for entry in LOG[:entries]:
        for command in entry.commands:
            builder.apply(command, entry.time_us)
        builder.engine.log_id = entry.entry_id
        packet = builder.take()
        assert packet is not None
        last = encode_packet(packet)
    engine = builder.engine
    return engine, (FeedId(7, engine.position), last), encode_checkpoint(Checkpoint(engine, 7, "store"))


def recover(checkpoint: bytes | None, feed: tuple[FeedId, bytes] | None, log: list[LogEntry]) -> Recovery:
    recovery = Recovery(KEYS, None if checkpoint is None else decode_checkpoint(checkpoint), feed)
    for entry in log:
        if not recovery.reached:
            recovery.apply(entry)
    return recovery


@pytest.mark.parametrize("checkpoint_after", [0, 1, 3, 4])
def test_arrives_where_the_dead_engine_stood(checkpoint_after: int) -> None:
    """Whatever the checkpoint's age; nothing of it is told again."""
    dead, feed, _ = history(4)
    checkpoint = history(checkpoint_after)[2] if checkpoint_after else None
    recovery = recover(checkpoint, feed, LOG[checkpoint_after:])
    engine = recovery.finish()
    assert encode_checkpoint(Checkpoint(engine, 7, "store")) == encode_checkpoint(Checkpoint(dead, 7, "store"))
    assert (recovery.term, recovery.feed_id, recovery.history_lost) == (7, feed[0], False)
    assert engine.take_changed() == []


def test_stops_at_the_feeds_position() -> None:
    """What comes after it in the log has been told to nobody, and is for the new leader to publish."""
    recovery = recover(None, history(3)[1], LOG)
    assert recovery.finish().log_id == LOG[2].entry_id


def test_a_log_that_ends_before_the_feed_is_an_error() -> None:
    """Users have seen what the log no longer explains; the error says both positions."""
    with pytest.raises(CorruptEntry, match="position 5, and the feed ends at 7"):
        recover(None, history(4)[1], LOG[:3]).finish()


def test_a_log_that_runs_past_the_feeds_position_is_an_error() -> None:
    """Packets end where entries end; anything else is not this log."""
    _, (feed_id, packet), _ = history(4)
    changed = LOG[3]._replace(commands=[*LOG[3].commands, Tick("leader", 99)])
    with pytest.raises(CorruptEntry, match="position 8"):
        recover(None, (feed_id, packet), [*LOG[:3], changed]).finish()


def test_an_engine_that_disagrees_with_the_feed_is_an_error() -> None:
    """The digest of the last packet's books is the proof."""
    other = LOG[3]._replace(commands=[order(3)._replace(price=5), LOG[3].commands[1]])
    with pytest.raises(CorruptEntry, match="digest"):
        recover(None, history(4)[1], [*LOG[:3], other]).finish()


def test_a_feed_that_ends_before_the_checkpoint_has_lost_history() -> None:
    """There were packets after it that someone has seen."""
    recovery = recover(history(4)[2], history(2)[1], [])
    assert recovery.history_lost
    assert recovery.finish().position == 7
    assert recover(history(4)[2], None, []).history_lost


def test_an_empty_store_is_a_beginning() -> None:
    """Nothing to load, nothing to reach."""
    recovery = recover(None, None, [])
    assert (recovery.finish().position, recovery.term, recovery.store_id) == (0, 0, None)


def test_damage_names_its_place() -> None:
    """A person must look there."""
    _, (feed_id, packet), _ = history(2)
    with pytest.raises(CorruptEntry, match="7-3"):
        Recovery(KEYS, None, (feed_id, packet[:-1]))
    with pytest.raises(CorruptEntry, match="says position 3"):
        Recovery(KEYS, None, (FeedId(7, 4), packet))

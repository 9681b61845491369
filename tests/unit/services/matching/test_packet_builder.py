"""Packets and their chain."""

from __future__ import annotations

from openoutcry.wire.types import MarketState
from services.matching import Engine
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import ListInstrument, SetMarketState, Tick
from shared.logs.packet import decode_packet, encode_packet
from tests.unit.services.matching.flow import ACME, MINUTE_US


def builder() -> PacketBuilder:
    return PacketBuilder(Engine())


def test_a_packet_holds_everything_since_the_one_before() -> None:
    """Positions chain, and each kind of event has its place."""
    packets = builder()
    packets.apply(ListInstrument("leader", 1, ACME), MINUTE_US)
    packets.apply(SetMarketState("leader", 2, "ACME", MarketState.HALTED, "news"), 2 * MINUTE_US)
    packets.engine.log_id = "5-0"
    assert packets.commands == 2
    packet = packets.take()
    assert packet is not None
    assert (packet.prev, packet.position, packet.log_id, packet.time) == (0, 2, "5-0", 2 * MINUTE_US)
    assert (len(packet.listings), len(packet.statuses), len(packet.outcomes)) == (1, 1, 2)
    assert decode_packet(encode_packet(packet)).outcomes == packet.outcomes
    packets.apply(Tick("leader", 3), 3 * MINUTE_US)
    packet = packets.take()
    assert packet is not None
    assert (packet.prev, packet.position, packet.statuses) == (2, 3, [])


def test_repetitions_alone_make_no_packet() -> None:
    """Reading the log again must be silent."""
    packets = builder()
    packets.apply(Tick("leader", 1), MINUTE_US)
    packets.take()
    assert packets.apply(Tick("leader", 1), MINUTE_US) == []
    assert packets.commands == 0
    assert packets.take() is None


def test_a_marker_moves_nothing() -> None:
    """It names the position at which a new leader begins."""
    packets = builder()
    packets.apply(Tick("leader", 1), MINUTE_US)
    packets.take()
    marker = packets.marker()
    assert (marker.prev, marker.position) == (1, 1)
    assert not any((marker.changes, marker.trades, marker.executions, marker.outcomes))

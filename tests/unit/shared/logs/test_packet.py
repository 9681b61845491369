"""Packets and their ids."""

from __future__ import annotations

from typing import get_args

import msgpack
import pytest

from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Execution, Status, Trade
from openoutcry.wire.types import Code, ExecutionEvent, Liquidity, MarketState, OrderKind, Side, TimeInForce
from shared.logs.events import BookChange, CancelOnDisconnectSet, Event, Outcome, PrivateExecution
from shared.logs.packet import FEED_START, PACKET_VERSION, SECTIONS, FeedId, Packet, decode_packet, encode_packet

EXECUTION = Execution(
    1,
    ExecutionEvent.REJECTED,
    0,
    0,
    "mine",
    "ACME",
    Side.BID,
    OrderKind.LIMIT,
    TimeInForce.GTC,
    1,
    1,
    0,
    0,
    0,
    0,
    Liquidity.NONE,
    Code.NOT_OPEN,
)
PACKET = Packet(
    PACKET_VERSION,
    7,
    10,
    12,
    "1700000000000-0",
    1_700_000_000_000_000,
    [BookChange("ACME", 3, 4, ((100, 5, 1),), (), 99)],
    [Trade("ACME", 4, 1, 0, 100, 5, Side.BID)],
    [PrivateExecution("ada", EXECUTION)],
    [Outcome("g1", 1, Code.OK, "", 71, 0)],
    [Status("ACME", MarketState.OPEN, "", 0)],
    [Instrument("ACME")],
    [CancelOnDisconnectSet("ada", on=True)],
)


def test_a_packet_survives_the_feed() -> None:
    decoded = decode_packet(encode_packet(PACKET))
    assert decoded == PACKET
    assert isinstance(decoded.changes[0], BookChange)
    assert isinstance(decoded.executions[0].execution, Execution)
    assert decoded.switches[0].on is True


def test_the_same_packet_has_the_same_bytes() -> None:
    """A retried publication is recognised by its bytes."""
    assert encode_packet(decode_packet(encode_packet(PACKET))) == encode_packet(PACKET)


@pytest.mark.parametrize(
    "content", [{}, [], [PACKET_VERSION - 1, *PACKET[1:]], PACKET[:-1], [*PACKET, 1], [*PACKET[:6], [[1]], *PACKET[7:]]]
)
def test_what_is_no_packet_is_malformed(content: object) -> None:
    with pytest.raises(MalformedMessage):
        decode_packet(msgpack.packb(content))


def test_feed_ids_are_ordered_as_redis_orders_them() -> None:
    assert FEED_START < FeedId(1, 99) < FeedId(2, 3) < FeedId(2, 20)


def test_a_feed_id_reads_as_it_is_written() -> None:
    assert str(FeedId(12, 34)) == "12-34"
    assert FeedId.parse("12-34") == FeedId.parse(b"12-34") == FeedId(12, 34)


@pytest.mark.parametrize("text", ["", "12", "a-b", "1-2-3", b"\xff-1"])
def test_what_is_no_feed_id_is_malformed(text: str | bytes) -> None:
    with pytest.raises(MalformedMessage):
        FeedId.parse(text)


def test_the_table_of_sections_is_the_packet() -> None:
    """Whoever builds, reads or passes on a packet goes by the table: same names, same order, each kind once."""
    assert Packet._fields[6:] == tuple(section.name for section in SECTIONS)
    assert {section.kind for section in SECTIONS} == {BookChange, *get_args(Event)}
    assert len({section.kind for section in SECTIONS}) == len(SECTIONS)

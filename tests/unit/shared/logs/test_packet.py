"""Packets and their ids."""

from __future__ import annotations

from typing import get_args

import msgpack
import pytest

from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import (
    PLAIN_END,
    PLAIN_EXECUTION,
    Auction,
    Execution,
    Status,
    Terms,
    Trade,
    Transfer,
)
from openoutcry.wire.types import (
    BANK,
    Code,
    ExecutionEvent,
    Liquidity,
    MarketState,
    OrderKind,
    Phase,
    Side,
    TimeInForce,
    TransferKind,
)
from shared.logs.events import (
    AccountsBegun,
    BookChange,
    CancelOnDisconnectSet,
    Event,
    Outcome,
    PairsRefused,
    PrivateExecution,
    PrivateTransfer,
    RuleRefusal,
)
from shared.logs.packet import (
    FEED_START,
    FIELDS_OF,
    PACKET_VERSION,
    PLAIN_VERSION,
    SECTIONS,
    FeedId,
    OtherVersion,
    Packet,
    decode_packet,
    encode_packet,
)

PLAIN_FIELDS = FIELDS_OF[PLAIN_VERSION]
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
    [PrivateTransfer(BANK, Transfer(1, 5, "t1", TransferKind.DEPOSIT, "USD", "-2.000000", "-2.000000", 0))],
    [Terms("ACME", 5, 100, 500)],
    [AccountsBegun(5)],
    [],
    [],
    pair_refusals=[PairsRefused("g1", 2, ((0, "bid: is no price"),))],
    auctions=[Auction("ACME", 4, 5, 1, Phase.OPENING, 100, 5, -3, 60)],
    rule_refusals=[RuleRefusal(2, "ada", "ACME", "Q4")],
)
PLAIN = Packet(PLAIN_VERSION, *PACKET[1:PLAIN_FIELDS], *[[]] * (len(PACKET) - PLAIN_FIELDS))


def test_a_packet_survives_the_feed() -> None:
    decoded = decode_packet(encode_packet(PACKET))
    assert decoded == PACKET
    assert isinstance(decoded.changes[0], BookChange)
    assert isinstance(decoded.executions[0].execution, Execution)
    assert decoded.switches[0].on is True
    assert isinstance(decoded.transfers[0].transfer, Transfer)
    assert isinstance(decoded.terms[0], Terms)
    assert isinstance(decoded.beginnings[0], AccountsBegun)
    assert decoded.auctions[0].kind is Phase.OPENING


def test_a_packet_of_version_2_is_read() -> None:
    """Gateways are replaced before the engines: what the engine of before wrote is what this one writes."""
    row = list(PLAIN[:PLAIN_FIELDS])
    row[10] = [status[:4] for status in PLAIN.statuses]
    assert encode_packet(PLAIN) == msgpack.packb(row)
    assert decode_packet(msgpack.packb(row)) == PLAIN


def test_an_execution_without_what_is_special_is_read() -> None:
    """The engine leaves it out for orders that are not special, as the engine of before did."""
    short = PACKET._replace(executions=[PrivateExecution("ada", EXECUTION[:PLAIN_EXECUTION])])  # type: ignore[arg-type]
    assert decode_packet(encode_packet(short)) == PACKET
    assert len(encode_packet(short)) == len(encode_packet(PACKET)) - len(PLAIN_END)


def test_a_packet_of_a_later_version_is_told_apart_from_damage() -> None:
    with pytest.raises(OtherVersion, match="packet version 5, this program reads 2 to 4"):
        decode_packet(msgpack.packb([PACKET_VERSION + 1, *PACKET[1:], []]))


def test_the_same_packet_has_the_same_bytes() -> None:
    """A retried publication is recognised by its bytes."""
    assert encode_packet(decode_packet(encode_packet(PACKET))) == encode_packet(PACKET)


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        [PLAIN_VERSION, *PACKET[1:]],
        [PLAIN_VERSION, *PACKET[1 : PLAIN_FIELDS - 1]],
        PACKET[:-1],
        PACKET[:PLAIN_FIELDS],
        [*PACKET, 1],
        [*PACKET[:6], [[1]], *PACKET[7:]],
        [*PACKET[:13], [[BANK, [1]]], *PACKET[14:]],
        [*PACKET[:13], [BANK], *PACKET[14:]],
        [*PACKET[:14], [["ACME", 5]], *PACKET[15:]],
        [*PACKET[:15], [[]], *PACKET[16:]],
    ],
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

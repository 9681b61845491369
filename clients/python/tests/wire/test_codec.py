"""Both encodings by example; `tests/property/test_codec.py` has the arbitrary bytes."""

from __future__ import annotations

import enum
import json
from typing import Any, get_args, get_type_hints

import msgpack
import pytest

from openoutcry.wire.codec import SUBPROTOCOLS, Encoding, decode_messages, encode_messages
from openoutcry.wire.errors import ConfigurationError, MalformedMessage
from openoutcry.wire.messages import (
    MESSAGE_TYPES,
    Account,
    Auction,
    Execution,
    Heartbeat,
    Message,
    OpenOrder,
    Reply,
    Status,
    Terms,
    Trade,
    Transfer,
)
from openoutcry.wire.types import (
    Code,
    ExecutionEvent,
    Liquidity,
    MarketState,
    NoSide,
    OrderKind,
    Phase,
    Side,
    TimeInForce,
    TransferKind,
)

HEARTBEAT = Heartbeat(1_000, {"ACME": 3})
_ORDERED = (1, "mine", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 3)
EXECUTION = Execution(7, ExecutionEvent.FILLED, 0, *_ORDERED, 100, 2, 1, Liquidity.TAKER, Code.OK)


def test_subprotocols_prefer_msgpack() -> None:
    assert SUBPROTOCOLS == ("openoutcry.v1.msgpack", "openoutcry.v1.json")


def test_a_msgpack_message_is_its_type_and_fields_in_order() -> None:
    assert msgpack.unpackb(encode_messages([HEARTBEAT], Encoding.MSGPACK)) == [[8, 1_000, {"ACME": 3}]]


def test_a_json_message_names_its_fields() -> None:
    encoded = encode_messages([HEARTBEAT], Encoding.JSON)
    assert json.loads(encoded) == [{"type": "heartbeat", "server_time": 1_000, "books": {"ACME": 3}}]


@pytest.mark.parametrize("encoding", Encoding)
def test_an_empty_frame_holds_no_messages(encoding: Encoding) -> None:
    assert decode_messages(encode_messages([], encoding), encoding) == []


WORDS = [
    Status(None, MarketState.STALE, "", 0),
    Auction("ACME", 1, 0, 1, Phase.OPENING, 0, 0, 0, 0),
    Trade("ACME", 1, 1, 0, 100, 5, Side.BID),
    Trade("ACME", 1, 1, 0, 100, 5, NoSide.NONE),
    Reply(1, False, Code.BUSY, "later", {}),
    EXECUTION,
    Account(1, [OpenOrder(*_ORDERED)], {}, {}),
    Transfer(1, 0, "t1", TransferKind.GRANT, "ACME", "5", "5", 0),
]


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("message", WORDS, ids=lambda message: type(message).__name__)
def test_enumerations_decode_to_their_members(message: Message, encoding: Encoding) -> None:
    """`trade.aggressor_side is Side.BID`: what was written as a member is read as one."""
    [decoded] = decode_messages(encode_messages([message], encoding), encoding)
    assert decoded == message
    assert [type(value) for value in _words(decoded)] == [type(value) for value in _words(message)]
    assert any(isinstance(value, enum.Enum) for value in _words(decoded))


def _words(message: Message) -> list[object]:
    orders = message.orders if isinstance(message, Account) else ()
    return [value for values in (message, *orders) for value in values if isinstance(value, str)]


def test_the_members_cover_every_field_that_is_typed_as_an_enumeration() -> None:
    """Also of messages that are not listed above, and of those to come."""
    typed = {
        kind
        for kind in (*MESSAGE_TYPES.values(), OpenOrder)
        if any(
            isinstance(one, enum.EnumType) for hint in get_type_hints(kind).values() for one in (hint, *get_args(hint))
        )
    }
    assert typed == {Auction, Trade, Status, Execution, OpenOrder, Transfer}, "add a message to WORDS"


@pytest.mark.parametrize("encoding", Encoding)
def test_an_account_of_a_server_of_before_is_read(encoding: Encoding) -> None:
    """It does not send what accounts hold: a client is often newer than the exchange."""
    account = Account(4, [OpenOrder(*_ORDERED)], {"ACME": 2}, {"USD": "1.000000"}, cancel_on_disconnect=True)
    if encoding is Encoding.MSGPACK:
        [row] = msgpack.unpackb(encode_messages([account], encoding))
        frame = msgpack.packb([row[:6]])
    else:
        [fields] = json.loads(encode_messages([account], encoding))
        for name in ("holdings", "reserved", "result"):
            del fields[name]
        frame = json.dumps([fields]).encode()
    assert decode_messages(frame, encoding) == [account]


def test_what_a_client_of_before_reads_is_where_it_was() -> None:
    """It takes the first five fields of an account, knows the types up to 12, and leaves out what is beyond them."""
    order = OpenOrder(*_ORDERED)
    account = Account(4, [order], {"ACME": 2}, {"USD": "1.000000"}, True, {}, {}, {})
    row, transfer, terms = msgpack.unpackb(
        encode_messages(
            [account, Transfer(5, 0, "t1", TransferKind.GRANT, "ACME", "5", "7", 0), Terms("ACME", 0, 1, 2)],
            Encoding.MSGPACK,
        )
    )
    assert row[:6] == [9, 4, [[*_ORDERED, 0, 0, ""]], {"ACME": 2}, {"USD": "1.000000"}, True]
    assert (transfer[0], terms[0]) == (13, 15)
    [fields] = json.loads(encode_messages([account], Encoding.JSON))
    before = ["type", "user_seq", "orders", "positions", "cash", "cancel_on_disconnect"]
    assert [fields[name] for name in before] == ["account", 4, [order._asdict()], *row[3:6]]


@pytest.mark.parametrize("encoding", Encoding)
def test_orders_of_a_server_of_before_wait_for_nothing(encoding: Encoding) -> None:
    """It knows no stops: its executions and open orders end before `trigger`."""
    told = [EXECUTION, Account(1, [OpenOrder(*_ORDERED)], {}, {})]
    frame = encode_messages(told, encoding)
    if encoding is Encoding.MSGPACK:
        execution, account = msgpack.unpackb(frame)
        account[2] = [order[:9] for order in account[2]]
        before = msgpack.packb([execution[:18], account])
    else:
        execution, account = json.loads(frame)
        for row in (execution, *account["orders"]):
            for name in ("trigger", "expires_at", "expires_on", "held_until"):
                row.pop(name, None)
        before = json.dumps([execution, account]).encode()
    assert decode_messages(before, encoding) == told


def test_an_account_of_fewer_fields_yet_is_malformed() -> None:
    [row] = msgpack.unpackb(encode_messages([Account(1, [], {}, {})], Encoding.MSGPACK))
    with pytest.raises(MalformedMessage):
        decode_messages(msgpack.packb([row[:5]]), Encoding.MSGPACK)


@pytest.mark.parametrize("encoding", Encoding)
def test_a_word_of_a_later_version_stays_a_text(encoding: Encoding) -> None:
    later = Status("ACME", "paused", "", 0)  # type: ignore[arg-type]
    [status] = decode_messages(encode_messages([later], encoding), encoding)
    assert isinstance(status, Status)
    assert (status.state, type(status.state)) == ("paused", str)


@pytest.mark.parametrize(
    ("choice", "encoding"),
    [
        ("json", Encoding.JSON),
        ("msgpack", Encoding.MSGPACK),
        ("openoutcry.v1.json", Encoding.JSON),
        (Encoding.JSON, Encoding.JSON),
    ],
)
def test_an_encoding_is_chosen_by_its_word_too(choice: Encoding | str, encoding: Encoding) -> None:
    assert Encoding.chosen(choice) is encoding


@pytest.mark.parametrize("choice", ["xml", "", "JSON ", None, 1])
def test_a_word_that_is_no_encoding_is_answered_by_the_choices(choice: Any) -> None:
    with pytest.raises(ConfigurationError, match="encoding: must be one of 'msgpack', 'json', not"):
        Encoding.chosen(choice)


@pytest.mark.parametrize("encoding", Encoding)
def test_an_account_s_orders_are_orders_again(encoding: Encoding) -> None:
    order = OpenOrder(1, "mine", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 3)
    [account] = decode_messages(encode_messages([Account(1, [order], {}, {})], encoding), encoding)
    assert isinstance(account, Account)
    assert account.orders == [order]
    assert isinstance(account.orders[0], OpenOrder)


def test_a_json_message_with_more_fields_is_read() -> None:
    [heartbeat] = decode_messages(b'[{"type":"heartbeat","server_time":1,"books":{},"new":2}]', Encoding.JSON)
    assert heartbeat == Heartbeat(1, {})


@pytest.mark.parametrize("data", [b"", b"[", b'[{"type":"heartbeat"}]', b"[[8]]", b"[null]", b"\xff"])
def test_a_json_frame_that_breaks_the_protocol_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode_messages(data, Encoding.JSON)

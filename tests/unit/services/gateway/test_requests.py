"""Every rule of a request has its sentence, and its sentence names the field."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgpack
import pytest

from openoutcry.wire.codec import Encoding, encode_request
from openoutcry.wire.errors import InvalidRequest
from openoutcry.wire.request_limits import REQUEST_BYTES_MAX
from openoutcry.wire.types import Code, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.gateway.request_map import KEY_LETTERS_MAX
from services.gateway.requests import (
    ORDER_REQUESTS,
    Cancel,
    CancelEvery,
    NewOrder,
    OrderRequest,
    Ping,
    SpecialOrder,
    Subscribe,
    decode_request,
)

ORDER: dict[str, Any] = {
    "op": "order",
    "id": 1,
    "client_order_id": "mine",
    "instrument": "ACME",
    "side": "bid",
    "price": 100,
    "quantity": 5,
}
SUBSCRIBE: dict[str, Any] = {"op": "subscribe", "id": 1, "channel": "book"}


def refusal(fields: object) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        decode_request(encode_request(fields, Encoding.JSON), Encoding.JSON)  # type: ignore[arg-type]
    return caught.value


def test_an_order_s_defaults_are_the_usual_ones() -> None:
    order = decode_request(encode_request(ORDER, Encoding.MSGPACK), Encoding.MSGPACK)
    assert isinstance(order, NewOrder)
    assert (order.side, order.kind, order.time_in_force) == (Side.BID, OrderKind.LIMIT, TimeInForce.GTC)
    assert order.post_only is False
    assert order.self_trade_prevention is SelfTradePrevention.CANCEL_NEWEST


def test_a_subscription_means_everything_unless_it_names_something() -> None:
    request = decode_request(encode_request(SUBSCRIBE, Encoding.JSON), Encoding.JSON)
    assert isinstance(request, Subscribe)
    assert (request.instruments, request.depth, request.interval_ms, request.resume) == (["*"], 0, 0, {})


def test_cancel_all_needs_no_instrument() -> None:
    request = decode_request(b'{"op":"cancel_all","id":"x"}', Encoding.JSON)
    assert isinstance(request, CancelEvery)
    assert request.instrument is None


def test_an_order_without_anything_special_is_checked_as_before() -> None:
    """What is special has a form of its own, so that others do not pay for it."""
    for asked, form in (({"time_in_force": "day"}, NewOrder), ({"trigger": 90}, SpecialOrder)):
        assert type(decode_request(encode_request(ORDER | asked, Encoding.JSON), Encoding.JSON)) is form


SPECIAL_FAULTS = [
    ({"trigger": 0}, "trigger: must be at least 1, not 0"),
    ({"trigger": 90, "protection_bp": 5}, "protection_bp: only a stop without a limit has one"),
    ({"time_in_force": "gtd"}, "expires_at: an order good till date names either expires_at or expires_on"),
    ({"expires_on": "2026-10-23"}, "expires_on: only an order good till date (gtd) has one, this is gtc"),
    ({"expires_at": 5, "time_in_force": "day"}, "expires_at: only an order good till date (gtd) has one, this is day"),
    ({"minimum": 6}, "minimum: must be from 1 to the quantity, 5, not 6"),
    ({"minimum": 2, "time_in_force": "fok"}, "minimum: an order that is fok has none"),
    ({"trigger": 90, "post_only": True}, "post_only: a stop trades when it is triggered, and cannot be post-only"),
    ({"kind": "market", "price": None, "time_in_force": "day"}, "time_in_force: a market order does not wait"),
    ({"time_in_force": "auction", "post_only": True}, "post_only: a auction order cannot rest"),
    ({"clearance": "C 17"}, "clearance: must match ^[A-Za-z0-9._:-]{1,36}$, not 'C 17'"),
]


@pytest.mark.parametrize(("asked", "text"), SPECIAL_FAULTS, ids=lambda each: str(each)[:40])
def test_a_special_order_that_breaks_a_rule_is_told_which(asked: dict[str, Any], text: str) -> None:
    refused = refusal(ORDER | asked)
    assert (refused.code, refused.text[: len(text)]) == (Code.BAD_REQUEST, text)


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"price": 1.5}, Code.OFF_TICK, "price: must be a whole number of ticks, not 1.5"),
        ({"price": 0}, Code.PRICE_OUT_OF_RANGE, "price: must be at least 1, not 0"),
        ({"price": 2**31}, Code.PRICE_OUT_OF_RANGE, "price: must be at most 2147483647, not 2147483648"),
        ({"quantity": 0}, Code.QUANTITY_OUT_OF_RANGE, "quantity: must be at least 1, not 0"),
        ({"quantity": -3}, Code.QUANTITY_OUT_OF_RANGE, "quantity: must be at least 1, not -3"),
        ({"quantity": True}, Code.BAD_REQUEST, "quantity: must be a whole number, not True"),
        ({"side": "buy"}, Code.BAD_REQUEST, "side: must be one of 'bid', 'ask', not 'buy'"),
        ({"instrument": "acme"}, Code.BAD_REQUEST, "instrument: must match"),
        ({"client_order_id": "a b"}, Code.BAD_REQUEST, "client_order_id: must match"),
        ({"post_onyl": True}, Code.BAD_REQUEST, "post_onyl: is no field of this request"),
        ({"kind": "market"}, Code.BAD_REQUEST, "price: a market order has none"),
        ({"price": None}, Code.BAD_REQUEST, "price: a limit order needs one"),
        ({"time_in_force": "ioc", "post_only": True}, Code.BAD_REQUEST, "post_only: a ioc order cannot rest"),
        ({"kind": "market", "price": None, "post_only": True}, Code.BAD_REQUEST, "post_only: a market order"),
    ],
)
def test_a_bad_order_is_refused_with_field_rule_and_value(changes: dict[str, Any], code: Code, text: str) -> None:
    error = refusal(ORDER | changes)
    assert (error.code, error.request_id) == (code, 1)
    assert error.text.startswith(text)


@pytest.mark.parametrize("field", ["client_order_id", "instrument", "side", "quantity"])
def test_a_missing_field_is_named(field: str) -> None:
    fields = dict(ORDER)
    del fields[field]
    assert refusal(fields).text == f"{field}: is required"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"depth": 7}, "depth: must be one of 0, 5, 10, 20, 50, not 7"),
        ({"interval_ms": 1}, "interval_ms: must be one of 0, 50, 100, 250, 1000, not 1"),
        ({"channel": "ticker", "depth": 5}, "depth: channel ticker has none"),
        ({"channel": "trades", "resume": {"ACME": [1, 2, 3]}}, "resume: channel trades has none"),
        ({"instruments": []}, "instruments: "),
        ({"instruments": ["ACME"] * 257}, "instruments: "),
        ({"resume": {"ACME": [1, 2, 2**32]}}, "resume.ACME.2: must be at most 4294967295"),
    ],
)
def test_a_bad_subscription_is_refused(changes: dict[str, Any], text: str) -> None:
    assert refusal(SUBSCRIBE | changes).text.startswith(text)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"op": "cancel", "id": 1}, "client_order_id: name the order by exactly one of"),
        ({"op": "cancel", "id": 1, "order_id": 1, "client_order_id": "a"}, "client_order_id: name the order by"),
        ({"op": "replace", "id": 1, "order_id": 1}, "price: a replace names a new price, a new quantity or both"),
    ],
)
def test_cancel_and_replace_name_one_order_and_some_change(fields: dict[str, Any], text: str) -> None:
    assert refusal(fields).text.startswith(text)


def test_an_unknown_op_lists_the_known_ones() -> None:
    error = refusal({"op": "buy", "id": 3})
    assert (error.code, error.request_id) == (Code.UNKNOWN_OP, 3)
    assert "subscribe" in error.text


@pytest.mark.parametrize("request_id", [None, -1, 1.5, "x" * 65, [1], True])
def test_an_unreadable_id_is_answered_with_none(request_id: object) -> None:
    error = refusal({"op": "ping", "id": request_id})
    assert error.request_id is None
    assert error.text.startswith("id")


def test_a_large_request_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_request(b" " * (REQUEST_BYTES_MAX + 1), Encoding.JSON)
    assert caught.value.code is Code.TOO_LARGE


def test_long_values_are_cut_in_the_answer() -> None:
    """A refusal must not echo 16 KiB back."""
    assert len(refusal(ORDER | {"side": "b" * 9_000}).text) < 200


# -- a key twice ----------------------------------------------------------------------------------------------------

Pairs = list[tuple[object, object]]


def as_json(value: object) -> str:
    """Write JSON; a list of pairs is an object, so that a key can stand in it twice."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return "{" + ",".join(f"{json.dumps(key)}:{as_json(held)}" for key, held in value) + "}"
    return json.dumps(value)


def as_msgpack(value: object) -> bytes:
    """Write msgpack; a list of pairs is a map, so that a key can stand in it twice."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        packer = msgpack.Packer(autoreset=False)
        packer.pack_map_header(len(value))
        return packer.bytes() + b"".join(msgpack.packb(key) + as_msgpack(held) for key, held in value)
    packed: bytes = msgpack.packb(value)
    return packed


def refused(pairs: Pairs, encoding: Encoding) -> InvalidRequest:
    payload = as_msgpack(pairs) if encoding is Encoding.MSGPACK else as_json(pairs).encode()
    with pytest.raises(InvalidRequest) as caught:
        decode_request(payload, encoding)
    return caught.value


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("key", ["op", "client_order_id", "instrument", "side", "price", "quantity", "post_only"])
def test_a_key_that_stands_twice_is_refused_by_name(key: str, encoding: Encoding) -> None:
    """The last one won: `"post_only":true,"post_only":false` became an order without it, `side` twice an ask."""
    order = ORDER | {"post_only": True}
    other = {"op": "ping", "side": "ask", "post_only": False, "price": 101, "quantity": 6}
    for second in (order[key], other.get(key, "other")):
        error = refused([*order.items(), (key, second)], encoding)
        assert (error.code, error.request_id) == (Code.BAD_REQUEST, 1)
        assert error.text == f"{key}: stands twice; a key may stand once"


@pytest.mark.parametrize("encoding", Encoding)
def test_an_id_that_stands_twice_is_no_id(encoding: Encoding) -> None:
    error = refused([*ORDER.items(), ("id", 2)], encoding)
    assert (error.text, error.request_id) == ("id: stands twice; a key may stand once", None)


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize(
    "pairs",
    [
        [*SUBSCRIBE.items(), ("resume", [("ACME", [1, 2, 3]), ("ACME", [1, 9, 3])])],
        [*ORDER.items(), ("self_trade_prevention", [("ACME", 1), ("ACME", 1)])],
        [("op", "ping"), ("id", 1), ("x", [("y", [("z", [("ACME", 1), ("ACME", 1)])])])],
    ],
)
def test_a_key_that_stands_twice_is_refused_at_every_depth(pairs: Pairs, encoding: Encoding) -> None:
    error = refused(pairs, encoding)
    assert (error.code, error.request_id) == (Code.BAD_REQUEST, 1)
    assert error.text == "ACME: stands twice; a key may stand once"


@pytest.mark.parametrize("encoding", Encoding)
def test_equal_keys_of_different_maps_are_no_repetition(encoding: Encoding) -> None:
    symbols = {"id": [1, 2, 3], "resume": [1, 2, 3]}
    request = SUBSCRIBE | {"instruments": ["ID", "RESUME"], "resume": {k.upper(): v for k, v in symbols.items()}}
    assert isinstance(decode_request(encode_request(request, encoding), encoding), Subscribe)


# -- bytes that are no text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (ORDER | {"side": b"bid"}, "side"),
        (ORDER | {"kind": b"limit"}, "kind"),
        (ORDER | {"time_in_force": b"gtc"}, "time_in_force"),
        (ORDER | {"self_trade_prevention": b"cancel_both"}, "self_trade_prevention"),
        (ORDER | {"instrument": b"ACME"}, "instrument"),
        (ORDER | {"client_order_id": b""}, "client_order_id"),
        (ORDER | {"op": b"order"}, "op"),
        (SUBSCRIBE | {"channel": b"book"}, "channel"),
        (SUBSCRIBE | {"instruments": [b"ACME"]}, "instruments"),
        (SUBSCRIBE | {"instruments": ["ACME", b""]}, "instruments"),
        (SUBSCRIBE | {"resume": {b"ACME": [1, 2, 3]}}, "ACME"),
        (SUBSCRIBE | {b"depth": 5}, "depth"),
        (SUBSCRIBE | {b"": 5}, ""),
    ],
)
def test_bytes_are_taken_for_a_text_nowhere(fields: dict[str, Any], field: str) -> None:
    """Msgpack's bin was taken for an enumerated text, and refused for any other."""
    payload = msgpack.packb(fields)
    with pytest.raises(InvalidRequest) as caught:
        decode_request(payload, Encoding.MSGPACK)
    assert (caught.value.code, caught.value.request_id) == (Code.BAD_REQUEST, 1)
    assert caught.value.text == f"{field}: must be a text (msgpack str), not bytes (bin)"


def test_an_id_of_bytes_is_no_id() -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_request(msgpack.packb({"op": "ping", "id": b"a"}), Encoding.MSGPACK)
    assert (caught.value.code, caught.value.request_id) == (Code.BAD_REQUEST, None)


# -- whole numbers that come as floats ------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", Encoding)
def test_a_whole_float_is_the_integer_that_it_equals(encoding: Encoding) -> None:
    """Msgpackr and msgpack-lite write integers above 2**32 as float64: an id was answered with null."""
    ping = decode_request(encode_request({"op": "ping", "id": 1796000000000.0}, encoding), encoding)
    assert isinstance(ping, Ping)
    assert (ping.id, type(ping.id)) == (1796000000000, int)
    order = decode_request(encode_request(ORDER | {"price": 100.0, "quantity": 5.0}, encoding), encoding)
    assert isinstance(order, NewOrder)
    assert (order.price, type(order.price), order.quantity, type(order.quantity)) == (100, int, 5, int)
    resumed = SUBSCRIBE | {"depth": 0.0, "interval_ms": 50.0, "resume": {"ACME": [2.0**53 - 1, 2.0**40, 2.0**32 - 1]}}
    subscribe = decode_request(encode_request(resumed, encoding), encoding)
    assert isinstance(subscribe, Subscribe)
    assert subscribe.resume == {"ACME": (2**53 - 1, 2**40, 2**32 - 1)}
    assert all(type(number) is int for number in (*subscribe.resume["ACME"], subscribe.depth, subscribe.interval_ms))
    cancel = decode_request(encode_request({"op": "cancel", "id": 0.0, "order_id": 2.0**52}, encoding), encoding)
    assert isinstance(cancel, Cancel)
    assert (cancel.id, cancel.order_id) == (0, 2**52)


@pytest.mark.parametrize(
    ("fields", "code", "text", "request_id"),
    [
        (ORDER | {"price": 1.5}, Code.OFF_TICK, "price: must be a whole number of ticks, not 1.5", 1),
        (ORDER | {"price": 2.0**53}, Code.PRICE_OUT_OF_RANGE, "price: must be from 1 to ", 1),
        (ORDER | {"price": -1e300}, Code.PRICE_OUT_OF_RANGE, "price: must be from 1 to ", 1),
        (ORDER | {"price": float("nan")}, Code.OFF_TICK, "price: must be a whole number of ticks, not nan", 1),
        (ORDER | {"price": 0.0}, Code.PRICE_OUT_OF_RANGE, "price: must be at least 1, not 0", 1),
        (ORDER | {"quantity": 2.0**31}, Code.QUANTITY_OUT_OF_RANGE, "quantity: must be at most 2147483647, not", 1),
        (
            ORDER | {"quantity": 2.0**53},
            Code.BAD_REQUEST,
            "quantity: must be a whole number, not 90071992547409",
            1,
        ),
        (ORDER | {"quantity": float("inf")}, Code.BAD_REQUEST, "quantity: must be a whole number, not inf", 1),
        (ORDER | {"quantity": float("nan")}, Code.BAD_REQUEST, "quantity: must be a whole number, not nan", 1),
        (ORDER | {"quantity": "5.0"}, Code.BAD_REQUEST, "quantity: must be a whole number, not '5.0'", 1),
        (ORDER | {"post_only": 1.0}, Code.BAD_REQUEST, "post_only: ", 1),
        (ORDER | {"side": 1.0}, Code.BAD_REQUEST, "side: ", 1),
        ({"op": "ping", "id": 2.0**53}, Code.BAD_REQUEST, "id: ", None),
        ({"op": "ping", "id": -1.0}, Code.BAD_REQUEST, "id: ", None),
        ({"op": "pong", "id": 7.0}, Code.UNKNOWN_OP, "op: ", 7),
        (ORDER | {"id": 7.0, "side": "buy"}, Code.BAD_REQUEST, "side: ", 7),
    ],
)
def test_no_other_float_is_an_integer(fields: dict[str, Any], code: Code, text: str, request_id: int | None) -> None:
    for encoding in Encoding:
        with pytest.raises(InvalidRequest) as caught:
            decode_request(encode_request(fields, encoding), encoding)
        assert (caught.value.code, caught.value.request_id) == (code, request_id)
        assert caught.value.text.startswith(text)


# -- a choice -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_id", ["a" * 65, -1, 2**53, 1.5, None, True, [1]])
def test_a_refusal_names_every_branch_of_a_choice(request_id: object) -> None:
    """An id of 65 letters was told that it must be a whole number."""
    text = refusal({"op": "ping", "id": request_id}).text
    assert text.startswith(
        "id: must be a whole number from 0 to 9007199254740991 or a text of at most 64 letters, not "
    )


def test_a_missing_id_is_missing() -> None:
    assert refusal({"op": "ping"}).text == "id: is required"


@pytest.mark.parametrize("encoding", Encoding)
def test_of_a_long_key_the_beginning_is_shown(encoding: Encoding) -> None:
    key = "k" * (KEY_LETTERS_MAX + 1)
    error = refused([("op", "ping"), ("id", 1), (key, 1), (key, 2)], encoding)
    assert error.text == "k" * (KEY_LETTERS_MAX - 1) + "…: stands twice; a key may stand once"


@pytest.mark.parametrize(
    ("payload", "encoding"),
    [
        (b'{"op":"ping","op":"ping"}}', Encoding.JSON),
        (b'{"op":"ping","op":"ping","id":[', Encoding.JSON),
        (b"\x82\xa2op\xa4ping\xa2op\xa4ping\x01", Encoding.MSGPACK),
    ],
)
def test_a_key_twice_in_what_is_nothing_whole_is_a_refusal(payload: bytes, encoding: Encoding) -> None:
    """The id was looked for in it once more, and the library's own error went through."""
    with pytest.raises(InvalidRequest):
        decode_request(payload, encoding)


@pytest.mark.parametrize("depth", [10, 500, *range(960, 1_000)])
@pytest.mark.parametrize("field", ["side", "price", "id"])
def test_a_value_that_is_nested_without_end_is_refused_as_any_other(field: str, depth: int) -> None:
    """To show it in the refusal needed more depth than to read it."""
    payload = b'{"op":"order","%s":%s}' % (field.encode(), b"[" * depth + b"]" * depth)
    with pytest.raises(InvalidRequest):
        decode_request(payload, Encoding.JSON)


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({f"k{number}": 1 for number in range(1500)}, "k0: is no field of this request"),
        ({"resume": {f"a{number}": [1] for number in range(1000)}}, "resume: may have 256 entries, this has 1000"),
        ({"instruments": ["a"] * 500}, "instruments: may have 256 entries, this has 500"),
    ],
    ids=["fields", "resume", "instruments"],
)
def test_a_large_request_with_much_that_is_wrong_is_refused_for_the_first_of_it(
    fields: dict[str, Any], text: str, encoding: Encoding
) -> None:
    """To say all that was wrong took 14 ms of everybody's time, a hundred times a second and connection."""
    payload = encode_request({"op": "subscribe", "id": 7, "channel": "book", **fields}, encoding)
    assert len(payload) <= REQUEST_BYTES_MAX
    with pytest.raises(InvalidRequest) as caught:
        decode_request(payload, encoding)
    assert (caught.value.text, caught.value.request_id) == (text, 7)


def test_the_tuple_of_order_requests_is_their_union() -> None:
    assert get_args(OrderRequest) == ORDER_REQUESTS

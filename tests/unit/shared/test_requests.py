"""Every rule of a request has its sentence, and its sentence names the field."""

from __future__ import annotations

from typing import Any

import pytest

from shared.codec import Encoding, encode_request
from shared.errors import InvalidRequest
from shared.requests import REQUEST_BYTES_MAX, CancelEvery, Order, Subscribe, decode_request
from shared.types import Code, OrderKind, SelfTradePrevention, Side, TimeInForce

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
    assert isinstance(order, Order)
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

"""Sections "Client requests" and "Values": every field of every request, right and wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from openoutcry.wire.codec import Encoding
from openoutcry.wire.types import DEPTHS, INTERVALS_MS, Code
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import Failed, expect, expect_refused

SECTION: Final = "Client requests"
BAD_IN_A_ROW: Final = 10
"""Between two good requests: twenty in a row would end the connection."""

_PING_TWICE: Final = b"\x83\xa2op\xa4ping\xa2id\x07\xa2op\xaacancel_all"
"""In msgpack: a ping, or all orders cancelled."""

Case = tuple[dict[str, Any], str]
"""What to change in a good request, and the field that the refusal must name."""


def _good(trial: Trial) -> dict[str, dict[str, Any]]:
    """A well-formed request of every kind; those about orders name orders that do not exist."""
    symbol = trial.venue.quiet.symbol
    order = {"client_order_id": "a", "instrument": symbol, "side": "bid", "price": 1, "quantity": 1}
    return {
        "login": {"token": "a.b.c"},
        "subscribe": {"channel": "ticker", "instruments": [symbol]},
        "unsubscribe": {"channel": "ticker", "instruments": [symbol]},
        "resync": {"instrument": symbol},
        "instruments": {},
        "ping": {},
        "present": {},
        "order": order,
        "cancel": {"order_id": 1},
        "replace": {"order_id": 1, "price": 1, "quantity": 1},
        "cancel_all": {"instrument": symbol},
    }


@check(SECTION, seconds=20)
async def unknown_fields_are_refused(trial: Trial) -> str:
    """Unknown fields are refused: a misspelt `post_only` must not become an order without it."""
    good = _good(trial)
    cases: list[tuple[str, dict[str, Any], str]] = [
        (op, {**fields, "no_such_field": 1}, "no_such_field") for op, fields in good.items()
    ]
    cases += [
        ("order", {**good["order"], "postonly": True}, "postonly"),
        ("order", {**good["order"], "user": "bob"}, "user"),
    ]
    await _all_refused(trial, cases)
    return f"{len(cases)} requests"


@check(SECTION, users=1)
async def keys_that_stand_twice_are_refused(trial: Trial) -> str:
    """A key that stands twice in a map, at any depth, is refused by its name."""
    symbol = trial.venue.quiet.symbol
    rest = f'"op":"order","id":7,"client_order_id":"twice","instrument":"{symbol}","price":1,"quantity":1'
    frames = [
        (Encoding.JSON, f'{{{rest},"side":"bid","post_only":true,"post_only":false}}'.encode(), "post_only"),
        (Encoding.JSON, f'{{{rest},"side":"bid","side":"ask"}}'.encode(), "side"),
        (Encoding.JSON, b'{"op":"ping","id":7,"op":"cancel_all"}', "op"),
        (
            Encoding.JSON,
            f'{{"op":"subscribe","id":7,"channel":"book","instruments":["{symbol}"],'
            f'"resume":{{"{symbol}":[1,2,3],"{symbol}":[1,2,4]}}}}'.encode(),
            symbol,
        ),
        (Encoding.MSGPACK, _PING_TWICE, "op"),
    ]
    for encoding, frame, key in frames:
        client = await trial.connect(0, encoding)
        await client.send_payload(frame)
        expect_refused(await client.reply_to(7), Code.BAD_REQUEST, key)
    return f"{len(frames)} requests"


@check(SECTION, users=1)
async def bytes_are_no_text(trial: Trial) -> str:
    """In msgpack a text is a `str`; bytes (`bin`) are refused."""
    order = _good(trial)["order"]
    names = ("client_order_id", "instrument", "side")
    client = await trial.connect(0, Encoding.MSGPACK)
    for name in names:
        expect_refused(await client.ask("order", **{**order, name: order[name].encode()}), Code.BAD_REQUEST, name)
    for name, text in {"kind": b"limit", "time_in_force": b"gtc", "self_trade_prevention": b"cancel_both"}.items():
        expect_refused(await client.ask("order", **{**order, name: text}), Code.BAD_REQUEST, name)
    return f"{len(names) + 3} fields"


@check(SECTION)
async def whole_floats_are_integers(trial: Trial) -> str:
    """A whole float below 2⁵³ is taken for the integer that it equals."""
    symbol = trial.venue.quiet.symbol
    for encoding in Encoding:
        client = await trial.connect(encoding=encoding)
        await client.send_request({"op": "ping", "id": 1796000000000.0})
        reply = await client.reply_to(1796000000000)
        expect(type(reply.id) is int, f"{encoding.name}: the id {reply.id!r} was echoed, not 1796000000000")
        resume = {symbol: [2.0**53 - 1, 1.0, 2.0**32 - 1]}
        await client.accepted("subscribe", channel="book", instruments=[symbol], depth=0.0, resume=resume)
        expect_refused(await client.ask("cancel", order_id=2.0**53), Code.BAD_REQUEST, "order_id")
        expect_refused(await client.ask("subscribe", channel="book", depth=5.5), Code.BAD_REQUEST, "depth")
    return "an id, a depth, a position; 2⁵³ and 5.5 are refused"


@check("Refusals", seconds=20)
async def missing_fields_are_named(trial: Trial) -> str:
    """A field is missing, unknown or of the wrong form; `text` names it."""
    required = {
        "login": ["token"],
        "subscribe": ["channel"],
        "unsubscribe": ["channel"],
        "resync": ["instrument"],
        "order": ["client_order_id", "instrument", "side", "quantity", "price"],
        "cancel": ["order_id"],
        "replace": ["order_id"],
    }
    good = _good(trial)
    cases = [
        (op, {name: value for name, value in good[op].items() if name != field}, field)
        for op, fields in required.items()
        for field in fields
    ]
    await _all_refused(trial, cases)
    return f"{len(cases)} requests"


@check("Refusals")
async def unknown_operations_are_refused(trial: Trial) -> str:
    """`unknown_op` | no such request | fix the client."""
    client = await trial.connect(encoding=Encoding.JSON)
    for op in ("no_such_op", "", "PING", "ping ", None, 1, ["ping"], {"ping": 1}):
        request = {"op": op, "id": 5}
        await client.send_request(request)
        reply = await client.reply_to(5)
        expect_refused(reply, Code.UNKNOWN_OP, "op")
    await client.send_request({"id": 6})
    expect_refused(await client.reply_to(6), Code.UNKNOWN_OP, "op")
    await client.accepted("ping")
    return "9 operations"


@check(SECTION, seconds=20)
async def subscriptions_are_checked(trial: Trial) -> str:
    """Channel; instruments (["*"]); depth (0); interval_ms (0); resume ({})."""
    symbol = trial.venue.quiet.symbol
    wrong: list[Case] = [
        ({"channel": "books"}, "channel"),
        ({"channel": 1}, "channel"),
        ({"channel": None}, "channel"),
        ({"instruments": symbol}, "instruments"),
        ({"instruments": [1]}, "instruments"),
        ({"instruments": ["acme"]}, "instruments"),
        ({"instruments": [".A"]}, "instruments"),
        ({"instruments": ["A" * 25]}, "instruments"),
        ({"instruments": [""]}, "instruments"),
        ({"instruments": ["**"]}, "instruments"),
        ({"depth": 1}, "depth"),
        ({"depth": -5}, "depth"),
        ({"depth": "5"}, "depth"),
        ({"depth": 5.5}, "depth"),
        ({"depth": True}, "depth"),
        ({"depth": 2**64 - 1}, "depth"),
        ({"interval_ms": 10}, "interval_ms"),
        ({"interval_ms": -1}, "interval_ms"),
        ({"interval_ms": 99.9}, "interval_ms"),
        ({"interval_ms": None}, "interval_ms"),
        ({"channel": "ticker", "depth": 5}, "depth"),
        ({"channel": "trades", "depth": 5}, "depth"),
        ({"resume": [1, 2, 3]}, "resume"),
        ({"resume": {symbol: [1, 2]}}, "resume"),
        ({"resume": {symbol: [1, 2, 3, 4]}}, "resume"),
        ({"resume": {symbol: [-1, 2, 3]}}, "resume"),
        ({"resume": {symbol: [2**53, 2, 3]}}, "resume"),
        ({"resume": {symbol: [1, 2, 2**32]}}, "resume"),
        ({"resume": {symbol: [1, "2", 3]}}, "resume"),
        ({"resume": {"acme": [1, 2, 3]}}, "resume"),
        ({"channel": "ticker", "resume": {symbol: [1, 2, 3]}}, "resume"),
    ]
    await _refused(trial, "subscribe", {"channel": "book", "instruments": [symbol]}, wrong)
    client = await trial.connect()
    for depth in DEPTHS:
        for interval in INTERVALS_MS:
            await client.accepted("subscribe", channel="book", instruments=[symbol], depth=depth, interval_ms=interval)
    return f"{len(wrong)} wrong, {len(DEPTHS) * len(INTERVALS_MS)} right"


@check("Values", seconds=20)
async def orders_are_checked(trial: Trial) -> str:
    """1 to 36 of `A-Z a-z 0-9 . _ : -`."""
    wrong: list[Case] = [
        ({"client_order_id": ""}, "client_order_id"),
        ({"client_order_id": "a" * 37}, "client_order_id"),
        ({"client_order_id": "a b"}, "client_order_id"),
        ({"client_order_id": "ä"}, "client_order_id"),
        ({"client_order_id": "a\n"}, "client_order_id"),
        ({"client_order_id": 7}, "client_order_id"),
        ({"instrument": "acme"}, "instrument"),
        ({"instrument": "A" * 25}, "instrument"),
        ({"instrument": "*"}, "instrument"),
        ({"instrument": None}, "instrument"),
        ({"side": "buy"}, "side"),
        ({"side": 0}, "side"),
        ({"side": "BID"}, "side"),
        ({"kind": "stop"}, "kind"),
        ({"kind": "market"}, "price"),
        ({"time_in_force": "forever"}, "time_in_force"),
        ({"time_in_force": "gtd"}, "expires_at"),
        ({"expires_on": "2026-10-23"}, "expires_on"),
        ({"trigger": 0}, "trigger"),
        ({"trigger": 1, "post_only": True}, "post_only"),
        ({"protection_bp": 500}, "protection_bp"),
        ({"minimum": 2}, "minimum"),
        ({"clearance": "C 17"}, "clearance"),
        ({"post_only": "true"}, "post_only"),
        ({"post_only": 1}, "post_only"),
        ({"post_only": True, "time_in_force": "ioc"}, "post_only"),
        ({"post_only": True, "time_in_force": "fok"}, "post_only"),
        ({"self_trade_prevention": "none"}, "self_trade_prevention"),
        ({"price": "1"}, "price"),
        ({"price": True}, "price"),
        ({"quantity": "1"}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"quantity": None}, "quantity"),
    ]
    await _refused(trial, "order", _good(trial)["order"], wrong)
    market = {**_good(trial)["order"], "kind": "market", "price": None}
    await _refused(trial, "order", market, [({"post_only": True}, "post_only")])
    return f"{len(wrong) + 1} wrong orders"


@check("Refusals")
async def prices_and_quantities_have_codes_of_their_own(trial: Trial) -> str:
    """Below 1, or above the instrument's maximum."""
    trader = await trial.trader()
    definition = trial.venue.quiet
    cases: list[tuple[dict[str, Any], Code, str]] = [
        ({"price": 1.5}, Code.OFF_TICK, "price"),
        ({"price": 0}, Code.PRICE_OUT_OF_RANGE, "price"),
        ({"price": -1}, Code.PRICE_OUT_OF_RANGE, "price"),
        ({"price": definition.price_max + 1}, Code.PRICE_OUT_OF_RANGE, "price"),
        ({"price": 2**31}, Code.PRICE_OUT_OF_RANGE, "price"),
        ({"price": 2**63}, Code.PRICE_OUT_OF_RANGE, "price"),
        ({"quantity": 0}, Code.QUANTITY_OUT_OF_RANGE, "quantity"),
        ({"quantity": -1}, Code.QUANTITY_OUT_OF_RANGE, "quantity"),
        ({"quantity": definition.quantity_max + 1}, Code.QUANTITY_OUT_OF_RANGE, "quantity"),
        ({"quantity": 2**31}, Code.QUANTITY_OUT_OF_RANGE, "quantity"),
    ]
    for changes, code, names in cases:
        fields = {"quantity": 1, "price": 1, **changes}
        reply = await trader.client.ask(
            "order", client_order_id=trader.new_id(), instrument=definition.symbol, side="bid", **fields
        )
        try:
            expect_refused(reply, code, names)
        except Failed as failure:
            raise Failed(f"{changes}: {failure}") from failure
    return f"{len(cases)} refusals"


@check(SECTION)
async def cancel_and_replace_are_checked(trial: Trial) -> str:
    """`replace` | order_id or client_order_id; price or quantity or both | `order_id`."""
    names: list[Case] = [
        ({"client_order_id": "a"}, "order_id"),
        ({"order_id": 0}, "order_id"),
        ({"order_id": -1}, "order_id"),
        ({"order_id": 2**53}, "order_id"),
        ({"order_id": "1"}, "order_id"),
        ({"order_id": None}, "order_id"),
        ({"order_id": None, "client_order_id": "a b"}, "client_order_id"),
    ]
    values: list[Case] = [
        ({"price": None, "quantity": None}, "price"),
        ({"price": "1"}, "price"),
        ({"quantity": 1.5}, "quantity"),
    ]
    await _refused(trial, "cancel", {"order_id": 1}, names)
    await _refused(trial, "replace", {"order_id": 1, "price": 1}, [*names, *values])
    await _refused(trial, "cancel_all", {}, [({"instrument": "acme"}, "instrument"), ({"instrument": 1}, "instrument")])
    return f"{2 * len(names) + len(values) + 2} wrong requests"


@check("Versioning")
async def optional_fields_that_a_server_does_not_know(trial: Trial) -> None:
    """A server that does not know one says so."""
    client = await trial.connect()
    expect_refused(await client.ask("ping", priority="high"), Code.BAD_REQUEST, "priority")


@check("Refusals")
async def refusals_leave_the_connection_alone(trial: Trial) -> str:
    """A refusal does not end the connection."""
    client = await trial.connect()
    for _ in range(3):
        for _ in range(15):
            expect(not (await client.ask("order")).ok, "an order without any field was accepted")
        await client.accepted("ping")
    return "45 refusals, 3 pings"


async def _refused(trial: Trial, op: str, good: Mapping[str, Any], wrong: Iterable[Case]) -> None:
    await _all_refused(trial, [(op, {**good, **changes}, names) for changes, names in wrong])


async def _all_refused(trial: Trial, cases: Iterable[tuple[str, dict[str, Any], str]]) -> None:
    for encoding in Encoding:
        await _refused_in(await trial.connect(encoding=encoding), cases)


async def _refused_in(client: Client, cases: Iterable[tuple[str, dict[str, Any], str]]) -> None:
    for number, (op, fields, names) in enumerate(cases, start=1):
        reply = await client.ask(op, **fields)
        try:
            expect_refused(reply, Code.BAD_REQUEST, names)
        except Failed as failure:
            raise Failed(f"{op} {fields}: {failure}") from failure
        if number % BAD_IN_A_ROW == 0:
            await client.accepted("ping")
    expect(client.wire.is_open, "the connection was ended")

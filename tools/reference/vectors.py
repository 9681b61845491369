"""Wire vectors: the protocol by example, for clients in every language.

`python -m tools.reference.vectors` writes `messages.json`, `requests.json` and `digest.json` into `protocol/vectors`,
and the proofs' files. The examples are chosen by hand; the bytes come from `shared`, and
`tests/unit/tools/test_vectors.py` fails when a change of the code would change them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from openoutcry.wire.codec import Encoding, encode_messages, encode_request
from openoutcry.wire.digest import ASK, BID, book_digest, level_digest, mix
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import (
    Account,
    Auction,
    Delta,
    Execution,
    Goodbye,
    Heartbeat,
    Message,
    OpenOrder,
    Reply,
    Snapshot,
    Status,
    Terms,
    Ticker,
    Trade,
    Transfer,
    Welcome,
)
from openoutcry.wire.types import (
    EPOCH_MAX,
    PRICE_MAX,
    QUANTITY_MAX,
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
from tools.reference.proofs.proof_vectors import rendered_proofs

FOLDER: Final = Path(__file__).parents[2] / "protocol" / "vectors"

EPOCH: Final = 4_503_599_627_370_497
TIME: Final = 1_767_225_600_000_123
BIDS: Final = ((9_998, 20), (9_997, 5))
ASKS: Final = ((10_001, 7), (10_003, 40))

LIMITS: Final = {"request_bytes": 16_384, "requests_per_second": 20, "subscriptions": 256}
ORDER: Final = OpenOrder(71, "mine-1", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 9_998, 25, 20)
ENDING_TERMS: Final = {
    "underlying": "ACME",
    "right": "call",
    "strike": 12_000,
    "expiry": "2027-03-19",
    "expires_at": 1_805_474_100_000_000,
    "multiplier": 10,
    "style": "any",
    "at_expiry": "cash",
    "threshold_ticks": 1,
}
OPTION_TERMS: Final = {"underlying": "ACME", "right": "call", "strike": 10_000, "expiry": "2027-03-19"}

MESSAGES: Final[dict[str, Message]] = {
    "welcome": Welcome(1, "g1-42", "ada", TIME, 1_000, LIMITS),
    "reply, refused": Reply(7, ok=False, code=Code.OFF_TICK, text="price: must be whole, not 1.5", data={}),
    "reply, to a named request": Reply("cancel-3", ok=True, code=Code.OK, text="", data={"cancelled": 2}),
    "reply, to a request whose id could not be read": Reply(
        None, ok=False, code=Code.BAD_REQUEST, text="id: is required", data={}
    ),
    "reply, to a proposal": Reply(
        14, ok=True, code=Code.OK, text="", data={"proposal_id": "market-2026-11-30", "state": "proposed"}
    ),
    "reply, to a quote of which one pair was refused": Reply(
        15,
        ok=True,
        code=Code.OK,
        text="",
        data={"refused": {"1": "quote: the bid 101 is not below the ask 101"}},
    ),
    "reply, to a question for what is set": Reply(
        18,
        ok=True,
        code=Code.OK,
        text="",
        data={
            "revision": 3,
            "total": 5,
            "rows": [
                ["market", True, True],
                ["instrument", "ACME", "halted", "news pending", 10_000, 1_000],
                ["limits", "", "staff", None, {"collar_bp": 500}],
                ["groups", "ada", ["staff"]],
                ["proposal", "p-31", "grace", TIME, [["set_groups", {"user": "ada", "groups": []}]]],
            ],
        },
    ),
    "snapshot": Snapshot(
        "ACME",
        EPOCH,
        12,
        TIME,
        0,
        [(price, quantity, 2) for price, quantity in BIDS],
        [(price, quantity, 1) for price, quantity in ASKS],
        book_digest(BIDS, ASKS),
    ),
    "snapshot, empty book": Snapshot("GPU-HOUR", EPOCH, 0, 0, 10, [], [], 0),
    "delta": Delta(
        "ACME", 12, 13, TIME, 0, [(9_998, 25)], [(10_001, 0)], book_digest(((9_998, 25), (9_997, 5)), ((10_003, 40),))
    ),
    "delta, merged and windowed": Delta(
        "ACME", 12, 40, TIME, 5, [], [(10_001, 9)], book_digest(BIDS, ((10_001, 9), (10_003, 40)))
    ),
    "delta, nothing changed since the resumed position": Delta(
        "ACME", 12, 12, TIME, 0, [], [], book_digest(BIDS, ASKS)
    ),
    "trade": Trade("ACME", 14, 3, TIME, 10_001, 7, Side.BID),
    "trade, in an auction": Trade("ACME", 15, 4, TIME, 10_001, 50, NoSide.NONE),
    "ticker": Ticker("ACME", 14, TIME, 9_998, 25, 10_003, 40, 10_001, 9_950, 10_020, 9_940, 1_234),
    "ticker, nothing traded yet": Ticker("SHIP-Q1", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "status of an instrument": Status("ACME", MarketState.HALTED, "news pending", TIME),
    "status of the gateway": Status(None, MarketState.STALE, "no feed for 3 s", TIME),
    "heartbeat": Heartbeat(TIME, {"ACME": 14, "GPU-HOUR": 0}),
    "account": Account(9, [ORDER], {"ACME": -5, "DESK-HQ": 1}, {"USD": "499.950000"}, cancel_on_disconnect=True),
    "account, of an exchange that keeps accounts": Account(
        12,
        [ORDER],
        {"ACME": 100, "GPU-HOUR": 0},
        {"USD": "2400.000000"},
        holdings={
            "ACME": [100, 40, [[TIME + 86_400_000_000, 60, "vesting"]], "9950.500000"],
            "GPU-HOUR": [0, 0, [], "0.000000"],
        },
        reserved={"USD": "1999.600000"},
        result={"USD": "-3.333333"},
    ),
    "execution, filled": Execution(
        10,
        ExecutionEvent.FILLED,
        TIME,
        71,
        "mine-1",
        "ACME",
        Side.BID,
        OrderKind.LIMIT,
        TimeInForce.GTC,
        9_998,
        25,
        13,
        9_998,
        7,
        4,
        Liquidity.MAKER,
        Code.OK,
    ),
    "execution, what it bought is held back": Execution(
        14,
        ExecutionEvent.FILLED,
        TIME,
        73,
        "mine-4",
        "ACME",
        Side.BID,
        OrderKind.LIMIT,
        TimeInForce.IOC,
        9_998,
        25,
        18,
        9_998,
        7,
        5,
        Liquidity.TAKER,
        Code.OK,
        held_until=TIME - TIME % 86_400_000_000 + 31 * 86_400_000_000,
    ),
    "execution, cancelled because its user was away": Execution(
        12,
        ExecutionEvent.CANCELLED,
        TIME,
        71,
        "mine-1",
        "ACME",
        Side.BID,
        OrderKind.LIMIT,
        TimeInForce.GTC,
        9_998,
        25,
        0,
        0,
        0,
        0,
        Liquidity.NONE,
        Code.DISCONNECTED,
    ),
    "execution, a stop was accepted": Execution(
        13,
        ExecutionEvent.ACCEPTED,
        TIME,
        72,
        "mine-3",
        "ACME",
        Side.ASK,
        OrderKind.LIMIT,
        TimeInForce.GTD,
        9_025,
        20,
        20,
        0,
        0,
        0,
        Liquidity.NONE,
        Code.OK,
        9_500,
        TIME + 86_400_000_000,
        "2026-01-01",
    ),
    "execution, rejected": Execution(
        11,
        ExecutionEvent.REJECTED,
        TIME,
        0,
        "mine-2",
        "ACME",
        Side.ASK,
        OrderKind.MARKET,
        TimeInForce.IOC,
        0,
        1,
        0,
        0,
        0,
        0,
        Liquidity.NONE,
        Code.NO_LIQUIDITY,
    ),
    "execution, a quote's side that rests": Execution(
        12,
        ExecutionEvent.ACCEPTED,
        TIME,
        72,
        "q-17:0a",
        "ACME",
        Side.ASK,
        OrderKind.LIMIT,
        TimeInForce.QUOTE,
        10_010,
        40,
        40,
        0,
        0,
        0,
        Liquidity.NONE,
        Code.OK,
    ),
    "goodbye": Goodbye(4_000, "shutting down", 1_250),
    "instrument, share": Instrument("ACME", "share", "ACME common stock"),
    "instrument, option": Instrument("ACME-C100-2703", "option", "ACME call, 100 USD, 2027-03-19", option=OPTION_TERMS),
    "instrument, option that the exchange ends": Instrument(
        "ACME-C120-2703", "option", "ACME call, 120 USD, 2027-03-19", option=ENDING_TERMS
    ),
    "instrument, with trading hours": Instrument(
        "DESK-HQ", "internal", "Ein Tisch für einen Monat", session={"opens": "08:00", "closes": "18:30"}
    ),
    "transfer, money that came": Transfer(
        13, TIME, "payroll-2026-01:17", TransferKind.DEPOSIT, "USD", "250.000000", "2650.000000", 0
    ),
    "transfer, lots that can be sold later": Transfer(
        14, TIME, "grants-2026:417", TransferKind.GRANT, "ACME", "60", "160", TIME + 86_400_000_000
    ),
    "transfer, lots that went": Transfer(15, TIME, "fix-9", TransferKind.CORRECTION, "ACME", "-10", "150", 0),
    "transfer, shares of an exercised option": Transfer(
        16, TIME, "ex-1", TransferKind.EXERCISE, "ACME", "20", "170", 0
    ),
    "auction": Auction("ACME", 31, TIME, 7, Phase.OPENING, 10_100, 1_200, -300, TIME + 60_000_000),
    "auction, nothing would trade": Auction("ACME", 4, TIME, 7, Phase.OPENING, 0, 0, 0, TIME + 60_000_000),
    "auction, ended": Auction("ACME", 32, TIME, 7, Phase.NONE, 0, 0, 0, 0),
    "terms": Terms("ACME", TIME, 10_000, 1_000),
}

ACTION_EXAMPLES: Final[tuple[dict[str, Any], ...]] = (
    {"action": "begin_accounts", "four_eyes": True},
    {
        "action": "list_instrument",
        "symbol": "ACME-C100-2703",
        "kind": "option",
        "name": "ACME call, 100 USD, 2027-03-19",
        "currency": "USD",
        "tick_size": "0.01",
        "lot_size": 1,
        "price_max": 100_000,
        "quantity_max": 1_000,
        "option": OPTION_TERMS,
        "session": {"opens": "08:00", "closes": "18:30"},
    },
    {
        "action": "set_terms",
        "instrument": "ACME",
        "reference": 10_000,
        "collar_bp": 1_000,
        "band_bp": 300,
        "volatility_s": 120,
        "extension_s": 120,
        "random_end_s": 30,
        "reopening_s": 120,
        "calendar": "berlin",
    },
    {
        "action": "set_schedule",
        "calendar": "berlin",
        "tzdata": "2026f",
        "steps": [
            ["2027-01-04", 1_799_049_000_000_000, "open_call"],
            ["2027-01-04", 1_799_049_600_000_000, "uncross"],
            ["2027-01-04", 1_799_049_600_000_000, "continuous"],
            ["2027-01-04", 1_799_080_200_000_000, "close"],
        ],
    },
    {"action": "end_call", "instrument": "ACME", "auction_id": 7},
    {
        "action": "set_limits",
        "group": "staff",
        "instrument": "ACME",
        "order_quantity_max": 500,
        "order_value_max": 50_000_000_000,
        "collar_bp": 500,
        "open_orders_max": 20,
        "position_max": 5_000,
        "may_short": 0,
    },
    {"action": "set_groups", "user": "ada", "groups": ["staff", "finance"]},
    {
        "action": "make_transfer",
        "transfer_id": "grants-417",
        "kind": "grant",
        "asset": "ACME",
        "debit": "~issuer",
        "credit": "ada",
        "amount": 100,
        "available_from": TIME,
        "note": "Für zehn Jahre",
    },
    {"action": "set_market_state", "instrument": "ACME", "state": "halted", "reason": "news pending"},
    {"action": "end_orders", "user": "ada"},
    {"action": "set_settlement_price", "instrument": "ACME", "day": "2027-03-19", "price": 13_100},
    {
        "action": "set_rule",
        "rule_id": "Q4-results",
        "kind": "blackout",
        "groups": ["finance"],
        "instruments": ["ACME"],
        "from_us": TIME,
        "until_us": TIME + 86_400_000_000,
        "exercise": True,
        "discreet": False,
    },
    {
        "action": "set_clearance",
        "clearance_id": "C-17",
        "user": "ada",
        "instrument": "ACME",
        "side": "ask",
        "lots": 100,
        "from_us": 0,
        "until_us": TIME + 86_400_000_000,
    },
    {"action": "set_kill", "scope": "user", "name": "ada", "on": True, "reason": "leaver"},
)
"""One of each action that may be proposed."""

REQUESTS: Final[dict[str, dict[str, Any]]] = {
    "login": {"op": "login", "id": 1, "token": "header.payload.signature"},
    "subscribe to books": {
        "op": "subscribe",
        "id": 2,
        "channel": "book",
        "instruments": ["ACME", "GPU-HOUR"],
        "depth": 10,
        "interval_ms": 100,
        "resume": {"ACME": [EPOCH, 12, book_digest(BIDS, ASKS)]},
    },
    "subscribe to every ticker": {"op": "subscribe", "id": 3, "channel": "ticker", "instruments": ["*"]},
    "unsubscribe": {"op": "unsubscribe", "id": 4, "channel": "book", "instruments": ["ACME"]},
    "resync": {"op": "resync", "id": 5, "instrument": "ACME"},
    "instruments": {"op": "instruments", "id": 6},
    "ping": {"op": "ping", "id": "are you there"},
    "present": {"op": "present", "id": 9},
    "order, limit": {
        "op": "order",
        "id": 7,
        "client_order_id": "mine-1",
        "instrument": "ACME",
        "side": "bid",
        "kind": "limit",
        "price": 9_998,
        "quantity": 25,
        "time_in_force": "gtc",
        "post_only": True,
        "self_trade_prevention": "cancel_oldest",
    },
    "order, market": {
        "op": "order",
        "id": EPOCH_MAX,
        "client_order_id": "mine-2",
        "instrument": "ACME",
        "side": "ask",
        "kind": "market",
        "quantity": 1,
    },
    "order, a stop good till a moment": {
        "op": "order",
        "id": 15,
        "client_order_id": "mine-3",
        "instrument": "ACME",
        "side": "ask",
        "kind": "market",
        "quantity": 20,
        "time_in_force": "gtd",
        "trigger": 9_500,
        "protection_bp": 300,
        "expires_at": TIME,
    },
    "order, with a minimum, good till a day": {
        "op": "order",
        "id": 16,
        "client_order_id": "mine-4",
        "instrument": "ACME",
        "side": "bid",
        "price": 9_998,
        "quantity": 20,
        "time_in_force": "gtd",
        "expires_on": "2026-10-23",
        "minimum": 5,
        "clearance": "C-17",
    },
    "cancel by the exchange's id": {"op": "cancel", "id": 8, "order_id": 71},
    "cancel by the user's id": {"op": "cancel", "id": 9, "client_order_id": "mine-1"},
    "replace": {"op": "replace", "id": 10, "order_id": 71, "price": 9_999, "quantity": 30},
    "cancel all of an instrument": {"op": "cancel_all", "id": 11, "instrument": "ACME"},
    "cancel all": {"op": "cancel_all", "id": 12},
    "cancel on disconnect": {"op": "cancel_on_disconnect", "id": 13, "on": True},
    "quote": {
        "op": "quote",
        "id": 20,
        "quote_id": "q-17",
        "pairs": [
            {"instrument": "ACME", "bid": 9_990, "bid_quantity": 40, "ask": 10_010, "ask_quantity": 40},
            {"instrument": "GPU-HOUR", "bid": 101, "bid_quantity": 5},
        ],
    },
    "exercise": {"op": "exercise", "id": 21, "exercise_id": "ex-1", "instrument": "ACME-C120-2703", "lots": 2},
    "admin, what may be proposed together": {
        "op": "admin",
        "id": 14,
        "proposal_id": "market-2026-11-30",
        "actions": list(ACTION_EXAMPLES[:6]),
    },
    "admin, a halt": {"op": "admin", "id": 15, "proposal_id": "halt-1", "actions": [ACTION_EXAMPLES[6]]},
    "admin, a user's orders": {"op": "admin", "id": 16, "proposal_id": "end-1", "actions": [ACTION_EXAMPLES[7]]},
    "admin, rules": {"op": "admin", "id": 20, "proposal_id": "rules-1", "actions": list(ACTION_EXAMPLES[8:10])},
    "admin, a kill": {"op": "admin", "id": 21, "proposal_id": "kill-1", "actions": [ACTION_EXAMPLES[10]]},
    "confirm": {"op": "confirm", "id": 17, "proposal_id": "market-2026-11-30"},
    "withdraw": {"op": "withdraw", "id": 22, "proposal_id": "market-2026-11-30"},
    "market": {"op": "market", "id": 18},
    "market, what comes after": {"op": "market", "id": 19, "start": 100},
}

MIXED: Final = (0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xDEADBEEF, 0xFFFFFFFF)
LEVELS: Final = (
    (BID, 1, 1),
    (ASK, 1, 1),
    (BID, 9_998, 20),
    (ASK, 10_001, 7),
    (BID, PRICE_MAX, QUANTITY_MAX),
    (ASK, PRICE_MAX, QUANTITY_MAX),
    (BID, 100, 2**32 - 1),
    (BID, 100, 2**32 + 5),
)
BOOKS: Final = (((), ()), (BIDS, ()), ((), ASKS), (BIDS, ASKS), (((1, 1),), ((1, 1),)))


def message_vectors() -> list[dict[str, Any]]:
    """Return every example message: the frame that holds it alone, in both encodings."""
    return [_message_vector(name, message) for name, message in MESSAGES.items()]


def request_vectors() -> list[dict[str, Any]]:
    """Return every example request, in both encodings."""
    return [_request_vector(name, request) for name, request in REQUESTS.items()]


def digest_vectors() -> dict[str, list[dict[str, Any]]]:
    """Return examples of the digest's three functions."""
    return {
        "mix": [{"x": x, "mixed": mix(x)} for x in MIXED],
        "level": [
            {"side": side, "price": price, "quantity": quantity, "digest": level_digest(side, price, quantity)}
            for side, price, quantity in LEVELS
        ],
        "book": [{"bids": bids, "asks": asks, "digest": book_digest(bids, asks)} for bids, asks in BOOKS],
    }


def rendered() -> dict[str, str]:
    """Return each vector file's name and text."""
    contents = {
        "messages.json": message_vectors(),
        "requests.json": request_vectors(),
        "digest.json": digest_vectors(),
    }
    return {name: json.dumps(content, indent=1, ensure_ascii=False) + "\n" for name, content in contents.items()}


def main() -> None:
    """Write the vector files."""
    for name, text in (rendered() | rendered_proofs()).items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def _message_vector(name: str, message: Message) -> dict[str, Any]:
    text = encode_messages([message], Encoding.JSON).decode()
    return {
        "name": name,
        "value": json.loads(text)[0],
        "json": text,
        "msgpack": encode_messages([message], Encoding.MSGPACK).hex(),
    }


def _request_vector(name: str, request: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "value": request,
        "json": encode_request(request, Encoding.JSON).decode(),
        "msgpack": encode_request(request, Encoding.MSGPACK).hex(),
    }


if __name__ == "__main__":
    main()

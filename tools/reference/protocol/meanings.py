"""What a field's name means, wherever it stands: one sentence, its unit, its range.

Owns what the types of the definitions cannot say. A field that is not listed here stops the generator: nobody adds one
without saying what it is. Keys are field names; `Class.field` where a name means something of its own.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

from openoutcry.wire.instrument import KINDS, SYMBOL, TICK_SIZE
from openoutcry.wire.types import DEPTHS, EPOCH_MAX, INTERVALS_MS, PRICE_MAX, QUANTITY_MAX

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or a part of one."""

SYMBOL_PATTERN: Final = f"^{SYMBOL.pattern}$"
SAFE_MAX: Final = EPOCH_MAX
"""Highest integer that every language's numbers hold exactly."""
UINT32_MAX: Final = 2**32 - 1


class Meaning(NamedTuple):
    """Of one name."""

    text: str
    """One sentence, for people."""
    unit: str = ""
    """Of the number; empty for what has none."""
    form: Schema = {}  # noqa: RUF012 - merged into schemas, never written to
    """Keywords that narrow the type."""


def between(low: int, high: int = SAFE_MAX) -> Schema:
    """Return the keywords of an integer range, both ends included."""
    return {"minimum": low, "maximum": high}


def meaning(owner: str, field: str) -> Meaning:
    """
    Return what a field means.

    Raises:
        KeyError: If nobody has said it.
    """
    return MEANINGS.get(f"{owner}.{field}") or MEANINGS[field]


MONEY_PATTERN: Final = r"^-?[0-9]+\.[0-9]{6}$"
AMOUNT_PATTERN: Final = r"^-?[0-9]+(\.[0-9]{6})?$"
_MONEY: Final = {"additionalProperties": {"type": "string", "pattern": MONEY_PATTERN}}
_TICK_ROW: Final = {
    "type": "array",
    "prefixItems": [
        {"type": "integer", **between(1, PRICE_MAX), "description": "From this price on, in ticks,"},
        {"type": "integer", **between(1, PRICE_MAX), "description": "prices are multiples of this, in ticks."},
    ],
    "minItems": 2,
}
_HOLDING: Final = {
    "type": "array",
    "prefixItems": [
        {"type": "integer", **between(-SAFE_MAX), "description": "Lots held; negative is short."},
        {"type": "integer", **between(0), "description": "Lots of open asks."},
        {
            "type": "array",
            "items": {
                "type": "array",
                "prefixItems": [
                    {"type": "integer", **between(0), "description": "Until when, \u00b5s since 1970-01-01 UTC."},
                    {"type": "integer", **between(1), "description": "Lots that cannot be sold before."},
                    {"type": "string", "description": "Why."},
                ],
                "minItems": 3,
            },
            "description": "What cannot be sold yet, ascending.",
        },
        {"type": "string", "pattern": MONEY_PATTERN, "description": "What all of them cost together."},
    ],
    "minItems": 4,
}
_SNAPSHOT_LEVELS: Final = {"items": {"$ref": "#/$defs/snapshot_level"}}
_DELTA_LEVELS: Final = {"items": {"$ref": "#/$defs/delta_level"}}
_BY_SYMBOL: Final = {"propertyNames": {"pattern": SYMBOL_PATTERN}}
_OPTION_TERMS: Final = {
    "properties": {
        "underlying": {"type": "string", "description": "Symbol of what may be bought or sold."},
        "right": {"type": "string", "enum": ["call", "put"], "description": "To buy (call) or to sell (put)."},
        "strike": {
            "type": "integer",
            **between(1, PRICE_MAX),
            "x-unit": "ticks",
            "description": "Price of the right, in ticks of the underlying.",
        },
        "expiry": {"type": "string", "format": "date", "description": "Last day, ISO 8601."},
        "expires_at": {
            "type": "integer",
            **between(1),
            "x-unit": "µs since 1970-01-01 UTC",
            "description": "When the exchange ends it. Without it the exchange acts on none of these.",
        },
        "multiplier": {
            "type": "integer",
            **between(1, QUANTITY_MAX),
            "description": "Lots of the underlying that one lot is a right to; 1 if it is left out.",
        },
        "style": {
            "type": "string",
            "description": "Exercised at `any` time (default), or at the `expiry` only.",
        },
        "at_expiry": {
            "type": "string",
            "description": "What it is worth is paid (`cash`, default), it is exercised by itself (`exercise`), or it "
            "ends (`lapse`).",
        },
        "threshold_ticks": {
            "type": "integer",
            **between(1, PRICE_MAX),
            "x-unit": "ticks",
            "description": "In the money from which on it is worth something at its expiry; 1 if it is left out.",
        },
    }
}
_CLOCK: Final = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "description": "UTC, HH:MM."}
_REPLY_DATA: Final = {
    "properties": {
        "order_id": {"type": "integer", **between(0), "description": "After order, cancel and replace."},
        "cancelled": {"type": "integer", **between(0), "description": "After cancel_all: how many orders ended."},
        "refused": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "After quote: a sentence for each pair that was refused, by its number from 0.",
        },
        "server_time": {"type": "integer", **between(0), "x-unit": "µs", "description": "After ping."},
        "count": {"type": "integer", **between(0), "description": "After instruments: how many definitions follow."},
    }
}

MEANINGS: Final[dict[str, Meaning]] = {
    # the connection
    "version": Meaning("Major version of the protocol.", form={"const": 1}),
    "session": Meaning(""),
    "user": Meaning("The user that this connection speaks for.", form={"pattern": "^[A-Za-z0-9._@+-]{1,64}$"}),
    "server_time": Meaning("The gateway's clock.", "µs since 1970-01-01 UTC", between(0)),
    "heartbeat_ms": Meaning("Time between two heartbeats.", "ms", between(1)),
    "limits": Meaning(
        "Every limit that concerns a client, by name.",
        form={"additionalProperties": {"type": "integer", **between(0)}},
    ),
    "Goodbye.code": Meaning("", form={"$ref": "#/$defs/close_code"}),
    "reconnect_in_ms": Meaning("When to return; 0 names no time: back off instead.", "ms", between(0)),
    "books": Meaning(
        "The followed books.", form={**_BY_SYMBOL, "additionalProperties": {"type": "integer", **between(0)}}
    ),
    # replies and requests
    "op": Meaning("What is asked for."),
    "id": Meaning("The client's own number or name for a request."),
    "Reply.id": Meaning(""),
    "ok": Meaning("Whether the request was carried out."),
    "Reply.code": Meaning("Why not.", form={"$ref": "#/$defs/code"}),
    "text": Meaning("For people and logs; not to be parsed."),
    "data": Meaning("What was asked for; its names depend on the request.", form=_REPLY_DATA),
    "token": Meaning("A JSON Web Token whose `sub` is the user."),
    "channel": Meaning("What to follow."),
    "instruments": Meaning('Symbols; "*" is every instrument, those listed later included.'),
    "resume": Meaning("Where to go on."),
    "interval_ms": Meaning(
        "Shortest time between two updates; 0 is the gateway's pace.", "ms", {"enum": list(INTERVALS_MS)}
    ),
    # books
    "instrument": Meaning("Symbol of the instrument.", form={"pattern": SYMBOL_PATTERN}),
    "CancelEvery.instrument": Meaning("Only this instrument's orders; null is every instrument's."),
    "Status.instrument": Meaning(
        "Symbol of the instrument; null is this gateway's feed.", form={"pattern": SYMBOL_PATTERN}
    ),
    "epoch": Meaning("Names one unbroken history: equal or different, never ordered.", form=between(0)),
    "prev_seq": Meaning("The delta builds on this seq; a client that holds less has a gap.", form=between(0)),
    "seq": Meaning("Changes of this book in its epoch; +1 for every command that changes it.", form=between(0)),
    "Trade.seq": Meaning("", form=between(0)),
    "time": Meaning(
        "When it happened, by the command log: ms grain, the same for everyone.",
        "µs since 1970-01-01 UTC",
        between(0),
    ),
    "Status.time": Meaning(
        "When it happened: an instrument's by the command log, the feed's by the gateway's clock; 0 names no time.",
        "µs since 1970-01-01 UTC",
        between(0),
    ),
    "Snapshot.time": Meaning(
        "When the newest change was published; for measuring delay, never for ordering.",
        "µs since 1970-01-01 UTC",
        between(0),
    ),
    "Delta.time": Meaning(
        "When the newest change was published; for measuring delay, never for ordering.",
        "µs since 1970-01-01 UTC",
        between(0),
    ),
    "Ticker.time": Meaning(
        "When the newest change was published; for measuring delay, never for ordering.",
        "µs since 1970-01-01 UTC",
        between(0),
    ),
    "depth": Meaning("Levels a side; 0 is the whole book.", "levels", {"enum": list(DEPTHS)}),
    "Snapshot.depth": Meaning(
        "Levels a side that this book is limited to; 0 is the whole book. Channel `top` also has 1.",
        "levels",
        {"enum": sorted({*DEPTHS, 1})},
    ),
    "Snapshot.bids": Meaning("Levels of the bid side.", form=_SNAPSHOT_LEVELS),
    "Snapshot.asks": Meaning("Levels of the ask side.", form=_SNAPSHOT_LEVELS),
    "Delta.bids": Meaning("Changed levels of the bid side.", form=_DELTA_LEVELS),
    "Delta.asks": Meaning("Changed levels of the ask side.", form=_DELTA_LEVELS),
    "digest": Meaning("Sum modulo 2**32 of a hash of every level; an empty book's is 0.", form=between(0, UINT32_MAX)),
    # trades and tickers
    "trade_id": Meaning("Number of a trade.", form=between(0)),
    "Trade.trade_id": Meaning("Number of a trade.", form=between(1)),
    "aggressor_side": Meaning(""),
    "bid": Meaning("Best bid.", "ticks", between(0, PRICE_MAX)),
    "bid_quantity": Meaning("Waiting at the best bid.", "lots", between(0)),
    "ask": Meaning("Best ask.", "ticks", between(0, PRICE_MAX)),
    "ask_quantity": Meaning("Waiting at the best ask.", "lots", between(0)),
    "last": Meaning("Price of the last trade.", "ticks", between(0, PRICE_MAX)),
    "open": Meaning("Price of the first trade.", "ticks", between(0, PRICE_MAX)),
    "high": Meaning("Highest price traded.", "ticks", between(0, PRICE_MAX)),
    "low": Meaning("Lowest price traded.", "ticks", between(0, PRICE_MAX)),
    "volume": Meaning("Quantity traded.", "lots", between(0)),
    "state": Meaning("What it is in from now on."),
    "reason": Meaning("Why."),
    # orders
    "user_seq": Meaning("Number of the user's last execution or transfer.", form=between(0)),
    "Execution.user_seq": Meaning("", form=between(1)),
    "Transfer.user_seq": Meaning("", form=between(1)),
    "event": Meaning("What happened."),
    "order_id": Meaning("The exchange's name for an order.", form=between(0)),
    "client_order_id": Meaning("The user's own name for an order.", form={"pattern": "^[A-Za-z0-9._:-]{1,36}$"}),
    "SpecialOrder.client_order_id": Meaning(""),
    "side": Meaning("Whether it buys (bid) or sells (ask)."),
    "kind": Meaning("Whether it names its worst price."),
    "time_in_force": Meaning("How long it may wait."),
    "price": Meaning("The order's worst price; 0 for a market order.", "ticks", between(0, PRICE_MAX)),
    "SpecialOrder.price": Meaning("The worst price that the order accepts.", "ticks"),
    "Replace.price": Meaning("The new worst price; null leaves it.", "ticks"),
    "Trade.price": Meaning("What was paid.", "ticks", between(1, PRICE_MAX)),
    "quantity": Meaning("Of the order.", "lots", between(1, QUANTITY_MAX)),
    "Replace.quantity": Meaning(
        "The new total, what has been filled included; null leaves it. The order keeps its place in the queue only if "
        "the price stays and the total does not grow.",
        "lots",
    ),
    "Trade.quantity": Meaning("What changed hands.", "lots", between(1, QUANTITY_MAX)),
    "remaining": Meaning("Not yet filled.", "lots", between(0, QUANTITY_MAX)),
    "Execution.remaining": Meaning("", "lots", between(0, QUANTITY_MAX)),
    "fill_price": Meaning("What was paid.", "ticks", between(0, PRICE_MAX)),
    "fill_quantity": Meaning("What changed hands.", "lots", between(0, QUANTITY_MAX)),
    "liquidity": Meaning("Whether the order waited or arrived; empty unless the event is `filled`."),
    "Execution.reason": Meaning("Why it was refused or ended; empty otherwise."),
    "trigger": Meaning("", "ticks", between(0, PRICE_MAX)),
    "protection_bp": Meaning("", "basis points"),
    "expires_at": Meaning("", "µs since 1970 UTC", between(0)),
    "expires_on": Meaning("", form={"pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"}),
    "held_until": Meaning("", "µs since 1970 UTC", between(0)),
    "minimum": Meaning("", "lots"),
    "clearance": Meaning(""),
    "post_only": Meaning("Refuse rather than trade on arrival."),
    "self_trade_prevention": Meaning("Who gives way when two orders of one user meet."),
    "orders": Meaning("Open orders, in no order."),
    "positions": Meaning("", "lots", {**_BY_SYMBOL, "additionalProperties": {"type": "integer", **between(-SAFE_MAX)}}),
    "cash": Meaning("", "of the currency", _MONEY),
    "cancel_on_disconnect": Meaning(""),
    "holdings": Meaning("", form={**_BY_SYMBOL, "additionalProperties": _HOLDING}),
    "reserved": Meaning("", "of the currency", _MONEY),
    "result": Meaning("", "of the currency", _MONEY),
    # accounts
    "transfer_id": Meaning("The exchange's name for a transfer.", form={"pattern": "^[A-Za-z0-9._:-]{1,36}$"}),
    "Transfer.kind": Meaning("Why lots or money moved."),
    "asset": Meaning(""),
    "amount": Meaning("", form={"pattern": AMOUNT_PATTERN}),
    "balance": Meaning("", form={"pattern": AMOUNT_PATTERN}),
    "available_from": Meaning("", form=between(0)),
    "reference": Meaning("", "ticks", between(0, PRICE_MAX)),
    "collar_bp": Meaning("", "basis points", between(0, 9_999)),
    "tick_table": Meaning("", form={"items": _TICK_ROW}),
    "band_bp": Meaning("", "basis points", between(0, 9_999)),
    "static_bp": Meaning("", "basis points", between(0, 9_999)),
    "band_ticks_min": Meaning("", "ticks", between(0, PRICE_MAX)),
    "volatility_s": Meaning("", "s", between(0)),
    "extension_s": Meaning("", "s", between(0)),
    "random_end_s": Meaning("", "s", between(0)),
    "reopening_s": Meaning("", "s", between(0)),
    "batch_ms": Meaning("", "ms", between(0)),
    "calendar": Meaning(""),
    # sessions
    "phase": Meaning(""),
    "auction_id": Meaning("Names the call.", form=between(1)),
    "Auction.kind": Meaning(""),
    "Auction.price": Meaning("The auction's price.", "ticks", between(0, PRICE_MAX)),
    "Auction.volume": Meaning("", "lots", between(0)),
    "surplus": Meaning("", "lots", between(-SAFE_MAX)),
    "until": Meaning("", "µs since 1970 UTC", between(0)),
    "on": Meaning("Whether from now on they are."),
    # administration
    "exercise_id": Meaning("The user's own name for an exercise."),
    "lots": Meaning("How many are exercised.", "lots", between(1, QUANTITY_MAX)),
    "quote_id": Meaning("The user's own name for a quote."),
    "pairs": Meaning(""),
    "proposal_id": Meaning("The administrator's own name for a proposal."),
    "actions": Meaning(""),
    "start": Meaning("Where the part begins; the reply to the part before it says where."),
    # definitions
    "symbol": Meaning("Name of the instrument.", form={"pattern": SYMBOL_PATTERN}),
    "Instrument.kind": Meaning("What it is.", form={"enum": list(KINDS)}),
    "name": Meaning("For people."),
    "currency": Meaning("What it is paid in."),
    "tick_size": Meaning("", form={"pattern": f"^{TICK_SIZE.pattern}$"}),
    "lot_size": Meaning("", "units", between(1, QUANTITY_MAX)),
    "price_max": Meaning("", "ticks", between(1, PRICE_MAX)),
    "quantity_max": Meaning("", "lots", between(1, QUANTITY_MAX)),
    "option": Meaning("", form=_OPTION_TERMS),
    "Instrument.session": Meaning("", form={"properties": {"opens": _CLOCK, "closes": _CLOCK}}),
}

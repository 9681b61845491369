"""Random command logs: several writers, users and instruments, bad commands among the good."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.types import MarketState, OrderKind, SelfTradePrevention, Side, TimeInForce
from shared.logs.commands import (
    CancelAll,
    CancelOrder,
    Command,
    Confirm,
    ListInstrument,
    PlaceOrder,
    Present,
    Propose,
    ProposedAction,
    ReadMarket,
    ReplaceOrder,
    SetCancelOnDisconnect,
    SetMarketState,
    Tick,
)
from shared.logs.market_commands import EndOrders
from shared.logs.mass_quote import MassQuote
from tests.property.special_flow import special_orders
from tests.property.weights import of_any_length, weighted

INSTRUMENTS = (
    Instrument("ACME", price_max=200, quantity_max=50),
    Instrument("GPU-HOUR", "internal", tick_size="0.000001", lot_size=10),
)
SYMBOLS = st.sampled_from(["ACME", "ACME", "GPU-HOUR", "NONE"])
USERS = st.sampled_from(["ann", "bob", "cat"])
CLIENT_ORDER_IDS = st.integers(1, 40).map(str)
PRICES = st.integers(95, 105)
QUANTITIES = st.integers(1, 12)

_PLACE = st.tuples(
    USERS,
    SYMBOLS,
    CLIENT_ORDER_IDS,
    st.sampled_from(Side),
    st.sampled_from([OrderKind.LIMIT, OrderKind.LIMIT, OrderKind.MARKET]),
    PRICES | st.sampled_from([0, -1, 201, 2**40]),
    QUANTITIES | st.sampled_from([0, -1, 51, 2**40]),
    st.sampled_from((TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)),
    st.booleans(),
    st.sampled_from(SelfTradePrevention),
).map(lambda fields: (PlaceOrder, fields))
_LIMIT = st.tuples(
    USERS,
    st.just("ACME"),
    CLIENT_ORDER_IDS,
    st.sampled_from(Side),
    st.just(OrderKind.LIMIT),
    PRICES,
    QUANTITIES,
    st.just(TimeInForce.GTC),
    st.just(False),
    st.sampled_from(SelfTradePrevention),
).map(lambda fields: (PlaceOrder, fields))
_SPECIAL = special_orders(USERS, SYMBOLS, CLIENT_ORDER_IDS, st.integers(0, 70).map(lambda second: second * 1_000_000))
_NAMED = st.tuples(st.integers(1, 40), st.just("")) | st.tuples(st.just(0), CLIENT_ORDER_IDS)
_CANCEL = st.tuples(USERS, _NAMED).map(lambda fields: (CancelOrder, (fields[0], *fields[1])))
_REPLACE = st.tuples(USERS, _NAMED, st.none() | PRICES | st.just(0), st.none() | QUANTITIES | st.just(99)).map(
    lambda fields: (ReplaceOrder, (fields[0], *fields[1], *fields[2:]))
)
_CANCEL_ALL = st.tuples(USERS, st.none() | SYMBOLS).map(lambda fields: (CancelAll, fields))
_TICK = st.just((Tick, ()))
_WATCH = st.tuples(USERS, st.booleans()).map(lambda fields: (SetCancelOnDisconnect, fields))
_PRESENT = st.lists(USERS | st.just("nobody"), min_size=1, max_size=3).map(lambda users: (Present, (tuple(users),)))
_LIST = st.sampled_from([*INSTRUMENTS, INSTRUMENTS[0]._replace(name="another"), Instrument("bad symbol")]).map(
    lambda instrument: (ListInstrument, (instrument,))
)
_STATE = st.tuples(SYMBOLS, st.sampled_from([*[MarketState.OPEN] * 3, *MarketState]), st.just("")).map(
    lambda fields: (SetMarketState, fields)
)
_STATE_SET = _STATE.map(
    lambda made: ProposedAction("set_market_state", SetMarketState("", 0, *made[1]))  # half of them need two persons
)
_ENDED = st.tuples(USERS, st.none() | SYMBOLS).map(
    lambda fields: ProposedAction("end_orders", EndOrders("", 0, "", *fields))
)
_LISTED = st.sampled_from([INSTRUMENTS[0], Instrument("NONE"), Instrument("bad symbol")]).map(
    lambda instrument: ProposedAction("list_instrument", ListInstrument("", 0, instrument))
)
_ACTORS = st.sampled_from(["adam", "eve"])
_PROPOSALS = st.sampled_from(["p1", "p2", "p3", "bad id"])
_ACTIONS = st.lists(_STATE_SET | _ENDED | _LISTED, min_size=1, max_size=3).map(tuple)
_PROPOSE = st.tuples(_ACTORS, _PROPOSALS, _ACTIONS).map(lambda fields: (Propose, fields))
_CONFIRM = st.tuples(_ACTORS, _PROPOSALS).map(lambda fields: (Confirm, fields))
_READ = st.tuples(_ACTORS, st.integers(-1, 4)).map(lambda fields: (ReadMarket, fields))
_END = st.tuples(_ACTORS, USERS, st.none() | SYMBOLS).map(lambda fields: (EndOrders, fields))


_PAIR = st.tuples(SYMBOLS, PRICES | st.just(0), QUANTITIES | st.just(0), PRICES, QUANTITIES | st.just(0))
_QUOTE = st.tuples(
    USERS,
    st.integers(1, 20).map(lambda n: f"q{n}"),
    st.lists(_PAIR.map(QuotedPair._make), min_size=1, max_size=3).map(tuple),
).map(lambda fields: (MassQuote, fields))

_ROWS = weighted(
    (16, _LIMIT),
    (3, _QUOTE),
    (5, _PLACE),
    (8, _SPECIAL),
    (5, _CANCEL),
    (5, _REPLACE),
    (2, _CANCEL_ALL),
    (1, _TICK),
    (1, _WATCH),
    (1, _PRESENT),
    (1, _LIST),
    (1, _STATE),
    (1, _PROPOSE),
    (1, _CONFIRM),
    (1, _READ),
    (1, _END),
)


@st.composite
def command_logs(draw: st.DrawFn) -> list[Command]:
    """A log that begins with the listings; three writers, each numbering its own."""
    rows = draw(of_any_length(st.tuples(st.sampled_from(["gateway-1", "gateway-2", "bots"]), _ROWS), 60))
    log: list[Command] = [ListInstrument("leader-1", n, found) for n, found in enumerate(INSTRUMENTS, 1)]
    numbers: dict[str, int] = {}
    for source, (kind, fields) in rows:
        numbers[source] = numbers.get(source, 0) + 1
        log.append(_made(kind, source, numbers[source], fields))
    return log


def _made(kind: Any, source: str, number: int, fields: Any) -> Command:
    command: Command = kind(source, number, *fields)
    return command

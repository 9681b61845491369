"""Random logs of a market with accounts whose company sets rules, kills and groups all the time."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from openoutcry.wire.types import BANK, ISSUER, OrderKind, SelfTradePrevention, Side, TimeInForce, TransferKind
from shared.logs.commands import CancelAll, Command, ListInstrument, PlaceOrder, PlaceSpecial, ReplaceOrder, Tick
from shared.logs.market_commands import BeginAccounts, MakeTransfer, SetGroups
from shared.logs.mass_quote import MassQuote, QuotedPair
from shared.logs.rule_commands import RuleKind, RuleParameters, SetClearance, SetKill, SetRule
from tests.property.command_flow import INSTRUMENTS
from tests.property.weights import of_any_length, weighted

NAMES = ("ann", "bob", "cat", "dan")
GROUPS = ("staff", "finance", "board")
STEP_US = 700_000
"""Between two commands."""
START_US = 20_000 * 86_400_000_000
"""Of the first command: a day that is not the first of all days."""
LENGTH_MAX = 80
USERS = st.sampled_from(NAMES)
SYMBOLS = st.sampled_from(["ACME", "ACME", "ACME", "GPU-HOUR"])
TIMES = st.integers(START_US, START_US + LENGTH_MAX * STEP_US) | st.sampled_from(
    [START_US + n * STEP_US for n in range(1, LENGTH_MAX, 3)]
)
"""Many just when a command comes."""
_SOME_GROUPS = st.sampled_from([(), (), *[(group,) for group in GROUPS], ("staff", "finance"), ("finance", "board")])
_PLACE = st.tuples(
    USERS,
    SYMBOLS,
    st.sampled_from(Side),
    st.sampled_from([*[OrderKind.LIMIT] * 9, OrderKind.MARKET]),
    st.integers(98, 102),
    st.integers(1, 12),
    st.sampled_from([*[TimeInForce.GTC] * 9, TimeInForce.IOC]),
    st.sampled_from(SelfTradePrevention),
).map(lambda fields: (PlaceOrder, fields))
_NUMBERS = (st.none() | st.integers(98, 102), st.none() | st.integers(1, 12))
_REPLACE = st.tuples(USERS, st.integers(1, 30), st.just(""), *_NUMBERS).map(lambda fields: (ReplaceOrder, fields))
_CANCEL_ALL = st.tuples(USERS, st.none()).map(lambda fields: (CancelAll, fields))
_JOIN = st.tuples(USERS, _SOME_GROUPS).map(lambda fields: (SetGroups, ("root", *fields)))
_KILL = st.tuples(
    st.sampled_from([("user", "ann"), ("group", "finance"), ("instrument", "GPU-HOUR"), ("market", "")]),
    st.sampled_from([True, *[False] * 7]),
).map(lambda fields: (SetKill, ("root", *fields[0], fields[1], "")))
_PARAMETERS = {
    RuleKind.HOLDING_PERIOD: RuleParameters(days=1),
    RuleKind.SHORT_SWING: RuleParameters(days=1),
    RuleKind.SELL_SHARE: RuleParameters(share_bp=3_000),
}
_QUOTE = st.tuples(USERS, st.integers(97, 101), st.integers(0, 5), st.integers(1, 3), st.integers(0, 5)).map(
    lambda row: (MassQuote, (row[0], QuotedPair("ACME", row[1], row[2], row[1] + row[3], row[4])))
)
_NAMED_CLEARANCES = st.sampled_from(["c1", "c2"])
_SPECIAL = st.tuples(USERS, st.sampled_from(Side), st.integers(98, 102), st.integers(1, 12), _NAMED_CLEARANCES).map(
    lambda fields: (PlaceSpecial, fields)
)
_MAYBE_TIMES = st.sampled_from([True, False, False]).flatmap(lambda timed: TIMES if timed else st.just(0))
_RULE = st.tuples(
    st.sampled_from(["r1", "r2", "r3"]),
    st.sampled_from([*[kind for kind in RuleKind if kind is not RuleKind.NONE] * 2, *[RuleKind.NONE] * 5]),
    _SOME_GROUPS,
    st.sampled_from([("ACME",), ("ACME",), ()]),
    _MAYBE_TIMES,
    _MAYBE_TIMES,
    st.sampled_from([False, False, False, True]),
).map(lambda row: (SetRule, ("root", *row[:6], _PARAMETERS.get(row[1], RuleParameters()), row[6])))
_CLEAR = st.tuples(
    st.sampled_from(["c1", "c2"]),
    USERS,
    st.just("ACME"),
    st.sampled_from(Side),
    st.sampled_from([0, 9, 20, 20]),
    st.just(0),
    TIMES.map(lambda moment: moment + LENGTH_MAX * STEP_US // 3),
).map(lambda row: (SetClearance, ("root", *row)))
_ROWS = weighted(
    (24, _PLACE),
    (4, _REPLACE),
    (6, _SPECIAL),
    (3, _QUOTE),
    (1, _CANCEL_ALL),
    (4, _RULE),
    (1, _KILL),
    (2, _JOIN),
    (5, _CLEAR),
    (2, st.just((Tick, ()))),
)


@st.composite
def rule_logs(draw: st.DrawFn) -> list[Command]:
    """A log that begins with listings, accounts, groups, and money and lots for everybody."""
    log: list[Command] = [ListInstrument("leader", n, found) for n, found in enumerate(INSTRUMENTS, 1)]
    log.append(BeginAccounts("leader", len(log) + 1, "root"))
    rows: list[tuple[Any, Any]] = []
    for user, group in zip(NAMES, (*GROUPS, "none"), strict=True):
        rows.append((MakeTransfer, (TransferKind.DEPOSIT, "USD", BANK, user, 10**9)))
        rows.append((MakeTransfer, (TransferKind.GRANT, "ACME", ISSUER, user, 12)))
        rows.append((SetGroups, ("root", user, (group,))))
    rows += draw(of_any_length(_ROWS, LENGTH_MAX))
    return log + [_made(kind, number, fields) for number, (kind, fields) in enumerate(rows, 1)]


def _made(kind: Any, number: int, fields: Any) -> Command:
    if kind is MakeTransfer:
        transfer, asset, debit, credit, amount = fields
        fields = ("root", f"t{number}", transfer, asset, debit, credit, amount, 0, "", False)
    elif kind is PlaceOrder:
        user, symbol, side, order, price, lots, time_in_force, prevention = fields
        if order is OrderKind.MARKET:
            price, time_in_force = 0, TimeInForce.IOC
        fields = (user, symbol, f"c{number}", side, order, price, lots, time_in_force, False, prevention)
    elif kind is PlaceSpecial:
        user, side, price, lots, clearance = fields
        policy = SelfTradePrevention.CANCEL_NEWEST
        fields = (user, "ACME", f"c{number}", side, OrderKind.LIMIT, price, lots, TimeInForce.GTC, False, policy)
        fields += (0, 0, 0, "", 0, clearance)
    elif kind is MassQuote:
        user, pair = fields
        fields = (user, f"q{number}", (pair,))
    command: Command = kind("gateway", number, *fields)
    return command

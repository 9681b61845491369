"""Random logs of a market whose users all hold enough to trade: most orders stand, and many fill."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from openoutcry.wire.types import BANK, ISSUER, OrderKind, SelfTradePrevention, Side, TimeInForce, TransferKind
from shared.logs.commands import (
    CancelAll,
    CancelOrder,
    Command,
    ListInstrument,
    PlaceOrder,
    ReplaceOrder,
    SetCancelOnDisconnect,
    Tick,
)
from shared.logs.market_commands import BeginAccounts, Limits, MakeTransfer, SetLimits, SetTerms
from tests.property.command_flow import INSTRUMENTS

NAMES = ("ann", "bob", "cat")
USERS = st.sampled_from(NAMES)
SYMBOLS = st.sampled_from(["ACME", "ACME", "ACME", "GPU-HOUR"])
PRICES = st.integers(98, 102)
LOTS = st.integers(1, 12)
CASH = st.integers(1, 30_000_000)
UNTIL = st.sampled_from([0, 0, 0, 10_000_000, 30_000_000, 60_000_000])
"""The n-th command comes n seconds after the first."""
_FUNDS = st.integers(10_000_000, 90_000_000)
_SHARES = st.integers(10, 60)
_NAMED = st.tuples(st.integers(1, 30), st.just(""))

_PLACE = st.tuples(
    USERS,
    SYMBOLS,
    st.sampled_from(Side),
    st.sampled_from([*[OrderKind.LIMIT] * 9, OrderKind.MARKET]),
    PRICES,
    LOTS,
    st.sampled_from([*[TimeInForce.GTC] * 12, TimeInForce.IOC, TimeInForce.FOK]),
    st.sampled_from(SelfTradePrevention),
)
_CANCEL = st.tuples(USERS, _NAMED).map(lambda fields: (CancelOrder, (fields[0], *fields[1])))
_REPLACE = st.tuples(USERS, _NAMED, st.none() | PRICES, st.none() | LOTS).map(
    lambda fields: (ReplaceOrder, (fields[0], *fields[1], *fields[2:]))
)
_CANCEL_ALL = st.tuples(USERS, st.none() | SYMBOLS).map(lambda fields: (CancelAll, fields))
_WATCH = st.tuples(USERS, st.booleans()).map(lambda fields: (SetCancelOnDisconnect, fields))
_SHORT = st.tuples(USERS, st.integers(0, 40)).map(
    lambda fields: (SetLimits, ("root", fields[0], "", None, Limits(may_short=fields[1])))
)
_TERMS = st.tuples(SYMBOLS, st.integers(0, 101), st.sampled_from([0, 0, 100, 400])).map(
    lambda fields: (SetTerms, ("root", *fields))
)


def _moved(kind: TransferKind, asset: Any, debit: Any, credit: Any, amount: Any, until: Any = st.just(0)) -> Any:  # noqa: B008 - a strategy is a value
    made = st.tuples(asset, debit, credit, amount, until, st.booleans())
    return made.map(lambda row: (MakeTransfer, (kind, *row)))


_MOVES = st.one_of(
    _moved(TransferKind.GRANT, SYMBOLS, st.just(ISSUER), USERS, LOTS, UNTIL),
    _moved(TransferKind.FORFEIT, SYMBOLS, USERS, st.just(ISSUER), LOTS),
    _moved(TransferKind.DEPOSIT, st.just("USD"), st.just(BANK), USERS, CASH),
    _moved(TransferKind.WITHDRAWAL, st.just("USD"), USERS, st.just(BANK), CASH),
    _moved(TransferKind.CORRECTION, SYMBOLS, USERS, USERS, LOTS, UNTIL),
    _moved(TransferKind.CORRECTION, st.just("USD"), USERS, USERS, CASH),
)


_PLACED = _PLACE.map(lambda fields: (PlaceOrder, fields))
_REST = (_CANCEL, _REPLACE, _REPLACE, _CANCEL_ALL, _SHORT, _TERMS, _WATCH, st.just((Tick, ())))
_KINDS = st.sampled_from([*[_PLACED] * 10, *[_MOVES] * 4, *_REST]).flatmap(lambda kind: kind)
"""Not by `one_of`, which takes a strategy that is named twice for one."""


@st.composite
def funded_logs(draw: st.DrawFn, size: int = 50) -> list[Command]:
    """A log that begins with listings, accounts, and money and lots for everybody."""
    log: list[Command] = [ListInstrument("leader", n, found) for n, found in enumerate(INSTRUMENTS, 1)]
    log.append(BeginAccounts("leader", len(log) + 1, "root"))
    rows: list[tuple[Any, Any]] = []
    for user in NAMES:
        rows.append((MakeTransfer, (TransferKind.DEPOSIT, "USD", BANK, user, draw(_FUNDS), 0, False)))
        rows.append((MakeTransfer, (TransferKind.GRANT, "ACME", ISSUER, user, draw(_SHARES), draw(UNTIL), False)))
    length = draw(st.integers(0, size))  # of itself a list has some five entries
    rows += draw(st.lists(_KINDS, min_size=length, max_size=length))
    for number, (kind, fields) in enumerate(rows, 1):
        log.append(_made(kind, number, fields))
    return log


def _made(kind: Any, number: int, fields: Any) -> Command:
    if kind is MakeTransfer:
        transfer, asset, debit, credit, amount, until, cancels = fields
        fields = ("root", f"t{number}", transfer, asset, debit, credit, amount, until, "", cancels)
    elif kind is PlaceOrder:
        user, symbol, side, order, price, lots, time_in_force, prevention = fields
        if order is OrderKind.MARKET:
            price, time_in_force = 0, TimeInForce.IOC
        fields = (user, symbol, f"c{number}", side, order, price, lots, time_in_force, False, prevention)
    command: Command = kind("gateway", number, *fields)
    return command

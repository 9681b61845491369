"""Random logs of a market with accounts: money and lots come and go, limits change, orders want more than is there."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from openoutcry.wire.types import BANK, ISSUER, OrderKind, SelfTradePrevention, Side, TimeInForce, TransferKind
from shared.logs.commands import CancelAll, CancelOrder, Command, ListInstrument, PlaceOrder, ReplaceOrder, Tick
from shared.logs.market_commands import BeginAccounts, Limits, MakeTransfer, SetGroups, SetLimits, SetTerms
from tests.property.command_flow import INSTRUMENTS
from tests.property.special_flow import special_orders
from tests.property.weights import of_any_length, weighted

USERS = st.sampled_from(["ann", "bob", "cat"])
ANYBODY = USERS | st.sampled_from([BANK, ISSUER, "~none"])
SYMBOLS = st.sampled_from([instrument.symbol for instrument in INSTRUMENTS])
ASSETS = st.sampled_from(["USD", "ACME", "GPU-HOUR", "EUR"])
PRICES = st.integers(95, 105)
QUANTITIES = st.integers(1, 12)
_TICK_VALUE = 10_000  # millionths a lot of ACME is worth at one tick
_CLIENT_ORDER_IDS = st.integers(1, 200).map(str)
_NAMED = st.tuples(st.integers(1, 25), st.just(""))

_PLACE = st.tuples(
    USERS,
    SYMBOLS,
    _CLIENT_ORDER_IDS,
    st.sampled_from(Side),
    st.just(OrderKind.LIMIT),
    PRICES,
    QUANTITIES,
    st.sampled_from([*[TimeInForce.GTC] * 5, TimeInForce.IOC, TimeInForce.FOK]),
    st.just(False),
    st.sampled_from(SelfTradePrevention),
).map(lambda fields: (PlaceOrder, fields))
_SPECIAL = special_orders(USERS, SYMBOLS, _CLIENT_ORDER_IDS, st.integers(0, 70).map(lambda step: step * 700_000))
_MARKET = st.tuples(
    USERS,
    SYMBOLS,
    _CLIENT_ORDER_IDS,
    st.sampled_from(Side),
    st.just(OrderKind.MARKET),
    st.just(0),
    QUANTITIES,
    st.just(TimeInForce.IOC),
    st.just(False),
    st.sampled_from(SelfTradePrevention),
).map(lambda fields: (PlaceOrder, fields))
_CANCEL = st.tuples(USERS, _NAMED).map(lambda fields: (CancelOrder, (fields[0], *fields[1])))
_REPLACE = st.tuples(USERS, _NAMED, st.none() | PRICES, st.none() | QUANTITIES).map(
    lambda fields: (ReplaceOrder, (fields[0], *fields[1], *fields[2:]))
)
_CANCEL_ALL = st.tuples(USERS, st.none() | SYMBOLS).map(lambda fields: (CancelAll, fields))
_AT_ONCE = st.just(0)
_DATES = st.sampled_from([0, 0, 0, 10_000_000, 30_000_000, 70_000_000])


def _ticks(count: int) -> int:
    return count * _TICK_VALUE


_AMOUNTS = st.integers(0, 2_000).map(_ticks) | st.integers(0, 40)


def _transfer(kind: Any, asset: Any, debit: Any, credit: Any, amounts: Any = _AMOUNTS, dates: Any = _AT_ONCE) -> Any:
    fields = st.tuples(
        st.just("root"),
        st.integers(1, 300).map("t{}".format),
        kind,
        asset,
        debit,
        credit,
        amounts,
        dates,
        st.just(""),
        st.booleans(),
    )
    return fields.map(lambda fields: (MakeTransfer, fields))


_LOTS = st.integers(1, 40)
_DEPOSIT = _transfer(st.just(TransferKind.DEPOSIT), st.just("USD"), st.just(BANK), USERS)
_GRANT = _transfer(st.just(TransferKind.GRANT), SYMBOLS, st.just(ISSUER), USERS, _LOTS, _DATES)
_FORFEIT = _transfer(st.just(TransferKind.FORFEIT), SYMBOLS, USERS, st.just(ISSUER), _LOTS)
_WITHDRAWAL = _transfer(st.just(TransferKind.WITHDRAWAL), st.just("USD"), USERS, st.just(BANK))
_CORRECTION = _transfer(st.just(TransferKind.CORRECTION), ASSETS, ANYBODY, ANYBODY)
_ANY_TRANSFER = _transfer(st.sampled_from(TransferKind), ASSETS, ANYBODY, ANYBODY, dates=_DATES)
_LIMITS = st.builds(
    Limits,
    order_quantity_max=weighted((2, st.none()), (1, st.integers(2, 12))),
    order_value_max=weighted((2, st.none()), (1, st.integers(1, 12 * 100).map(lambda ticks: ticks * _TICK_VALUE))),
    collar_bp=weighted((2, st.none()), (1, st.integers(1, 800))),
    open_orders_max=weighted((2, st.none()), (1, st.integers(0, 4))),
    position_max=weighted((2, st.none()), (1, st.integers(0, 40))),
    messages_per_second=weighted((2, st.none()), (1, st.integers(1, 3))),
    may_short=weighted((2, st.none()), (1, st.integers(0, 10))),
)
_SET_LIMITS = st.tuples(
    st.just("root"),
    st.sampled_from(["", "ann", "bob"]),
    st.sampled_from(["", "x", "y"]),
    st.none() | SYMBOLS,
    _LIMITS,
).map(lambda fields: (SetLimits, fields))
_SET_GROUPS = st.tuples(st.just("root"), USERS, st.lists(st.sampled_from(["x", "y"]), max_size=2).map(tuple)).map(
    lambda fields: (SetGroups, fields)
)
_SET_TERMS = st.tuples(st.just("root"), SYMBOLS, st.integers(0, 101), st.sampled_from([0, 0, 100, 400])).map(
    lambda fields: (SetTerms, fields)
)


_MUCH = _transfer(
    st.just(TransferKind.DEPOSIT), st.just("USD"), st.just(BANK), USERS, st.integers(1, 9_000).map(_ticks)
)
_ROWS = weighted(
    (90, _PLACE),
    (8, _SPECIAL),
    (6, _MARKET),
    (4, _CANCEL),
    (10, _REPLACE),
    (1, _CANCEL_ALL),
    (4, _DEPOSIT),
    (4, _GRANT),
    (3, _FORFEIT),
    (3, _WITHDRAWAL),
    (2, _CORRECTION),
    (3, _ANY_TRANSFER),
    (4, _SET_LIMITS),
    (2, _SET_GROUPS),
    (4, _SET_TERMS),
    (2, st.just((Tick, ()))),
)


@st.composite
def account_logs(draw: st.DrawFn, size: int = 60) -> list[Command]:
    """A log that begins with listings and accounts, most of them funded."""
    log: list[Command] = [ListInstrument("leader", n, found) for n, found in enumerate(INSTRUMENTS, 1)]
    log.append(BeginAccounts("leader", len(log) + 1, "root"))
    funds = draw(of_any_length(weighted((1, _MUCH), (1, _GRANT)), 16, least=8))
    for number, (kind, fields) in enumerate([*funds, *draw(of_any_length(_ROWS, size))], 1):
        log.append(_made(kind, "gateway", number, fields))
    return log


def _made(kind: Any, source: str, number: int, fields: Any) -> Command:
    command: Command = kind(source, number, *fields)
    return command

"""The most expensive commands of a market that keeps accounts: see `worst_commands`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from benchmarks.pit import MID, ORDERS_A_USER, SYMBOL, Case, Pit
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import BANK, ISSUER, OrderKind, SelfTradePrevention, Side, TimeInForce, TransferKind
from services.matching.accounts.funded_account import RESTRICTED_MAX
from services.matching.accounts.limits import GATES_MAX
from services.matching.accounts.setting_rows import ROWS_MAX
from services.matching.book.order_book import ORDERS_MET_MAX
from services.matching.floor import SWEPT_MAX
from services.matching.rules.rule_book import RULES_MAX
from services.matching.traded_instrument import INSTRUMENTS_MAX
from shared.logs.commands import (
    ACTIONS_MAX,
    Confirm,
    ListInstrument,
    PlaceOrder,
    PlaceSpecial,
    Propose,
    ProposedAction,
    ReadMarket,
)
from shared.logs.market_commands import (
    GROUPS_OF_USER_MAX,
    BeginAccounts,
    EndOrders,
    Limits,
    MakeTransfer,
    SetGroups,
    SetLimits,
    SetTerms,
)
from shared.logs.rule_commands import RuleKind, RuleParameters, SetClearance, SetKill, SetRule

EURO_SHARE: Final = "EURO"
ACCOUNTS: Final = 100_000
RULED_ACCOUNTS: Final = 20_000
MONEY: Final = 10**15
_VESTING_US: Final = 10**12

_Made = tuple[object, ...]


def _begin(pit: Pit, instruments: int = 1, *, four_eyes: bool = False) -> None:
    for n in range(1, instruments):
        pit.does(ListInstrument, Instrument(f"S{n}"))
    pit.does(ListInstrument, Instrument(EURO_SHARE, currency="EUR"))
    pit.does(BeginAccounts, "root", four_eyes)


def _transfer(
    name: str, kind: TransferKind, asset: str, user: str, amount: int, until_us: int = 0, *, ends: bool = False
) -> _Made:
    system = BANK if kind in (TransferKind.DEPOSIT, TransferKind.WITHDRAWAL) else ISSUER
    gives = kind in (TransferKind.DEPOSIT, TransferKind.GRANT)
    debit, credit = (system, user) if gives else (user, system)
    return "root", name, kind, asset, debit, credit, amount, until_us, "", ends


def _deposit(pit: Pit, user: str, amount: int = MONEY) -> None:
    pit.does(MakeTransfer, *_transfer(f"for-{user}", TransferKind.DEPOSIT, "USD", user, amount))


def _proposed(rows: Iterable[_Made], name: str = "make_transfer") -> tuple[ProposedAction, ...]:
    kinds = {"make_transfer": MakeTransfer, "set_limits": SetLimits, "set_groups": SetGroups, "set_terms": SetTerms}
    return tuple(ProposedAction(name, kinds[name]("", 0, *row)) for row in rows)


def _with_bids(pit: Pit) -> int:
    """Rest a user's bids, which reserve all that the user has; returns how much that is."""
    count = pit.size(ORDERS_A_USER)
    money = sum(MID - n for n in range(count)) * 10_000
    _begin(pit)
    _deposit(pit, "user", money)
    for n in range(count):
        pit.rest("user", Side.BID, MID - n)
    return money


def _withdrawn(pit: Pit) -> Callable[[], object]:
    money = _with_bids(pit)
    row = _transfer("all", TransferKind.WITHDRAWAL, "USD", "user", money, ends=True)
    return pit.step(pit.command(MakeTransfer, *row))


def _withdrawal_proposed(pit: Pit) -> Callable[[], object]:
    money = _with_bids(pit)
    row = _transfer("all", TransferKind.WITHDRAWAL, "USD", "user", money, ends=True)
    return pit.step(pit.command(Propose, "root", "all", _proposed([row])))


def _orders_ended(pit: Pit) -> Callable[[], object]:
    _with_bids(pit)
    return pit.step(pit.command(EndOrders, "root", "user", None))


def _market_bid(pit: Pit) -> Callable[[], object]:
    count = pit.size(ORDERS_MET_MAX)
    _begin(pit)
    pit.does(SetTerms, "root", SYMBOL, MID, 9_000)
    pit.does(SetLimits, "root", "", "", None, Limits(order_value_max=MONEY, position_max=MONEY))
    _deposit(pit, "user")
    for n in range(count):
        maker = f"maker-{n}"
        pit.does(MakeTransfer, *_transfer(f"g{n}", TransferKind.GRANT, SYMBOL, maker, 1))
        pit.rest(maker, Side.ASK, MID + n)
    order = (SYMBOL, "sweep", Side.BID, OrderKind.MARKET, 0, count, TimeInForce.FOK, False)
    return pit.step(pit.command(PlaceOrder, "user", *order, SelfTradePrevention.CANCEL_NEWEST))


def _deposits(pit: Pit) -> Callable[[], object]:
    _begin(pit, pit.size(INSTRUMENTS_MAX) - 1, four_eyes=True)
    rows = [
        _transfer(f"d{n}", TransferKind.DEPOSIT, "EUR", f"user-{n}", MONEY // 100) for n in range(pit.size(ACTIONS_MAX))
    ]
    pit.does(Propose, "root", "deposits", _proposed(rows))
    return pit.step(pit.command(Confirm, "other", "deposits"))


def _grants(pit: Pit) -> Callable[[], object]:
    _begin(pit)
    users, dates = pit.size(ACTIONS_MAX), pit.size(RESTRICTED_MAX)
    for user in range(users):
        for n in range(dates):
            until_us = _VESTING_US + dates - n
            pit.does(MakeTransfer, *_transfer(f"{user}-{n}", TransferKind.GRANT, SYMBOL, f"u{user}", 1, until_us))
        pit.tell()
    until_us = _VESTING_US + dates
    rows = [_transfer(f"g{n}", TransferKind.GRANT, SYMBOL, f"u{n}", 1, until_us) for n in range(users)]
    return pit.step(pit.command(Propose, "root", "grants", _proposed(rows)))


def _gated(pit: Pit) -> None:
    """Have as many gates compiled as are kept."""
    instruments = pit.size(100)
    _begin(pit, instruments)
    for user in range(pit.size(GATES_MAX) // instruments):
        name = f"user-{user}"
        pit.does(SetLimits, "root", name, "", None, Limits(order_quantity_max=1_000))
        _deposit(pit, name)
    for user in range(pit.size(GATES_MAX) // instruments):
        for n in range(1, instruments):
            pit.rest(f"user-{user}", Side.BID, 1, symbol=f"S{n}", time_in_force=TimeInForce.IOC)
        pit.tell()


def _limited(pit: Pit) -> Callable[[], object]:
    _gated(pit)
    return pit.step(pit.command(SetLimits, "root", "user-0", "", None, Limits(order_quantity_max=100)))


def _compiled(pit: Pit) -> Callable[[], object]:
    _begin(pit)
    groups = tuple(f"group-{n}" for n in range(GROUPS_OF_USER_MAX))
    _deposit(pit, "user")
    pit.does(SetGroups, "root", "user", groups)
    for group in groups:
        for symbol in (None, SYMBOL):
            pit.does(SetLimits, "root", "", group, symbol, Limits(order_quantity_max=1_000, open_orders_max=100))
    return pit.step(pit.place("user", Side.BID, 1))


def _grouped(pit: Pit) -> Callable[[], object]:
    _begin(pit)
    groups = tuple(f"group-{n}" for n in range(GROUPS_OF_USER_MAX))
    rows = [("root", f"user-{n}", groups) for n in range(pit.size(ACTIONS_MAX))]
    return pit.step(pit.command(Propose, "root", "groups", _proposed(rows, "set_groups")))


def _terms(pit: Pit) -> Callable[[], object]:
    _begin(pit, pit.size(INSTRUMENTS_MAX) - 1)
    rows = [("root", f"S{n + 1}", MID, 100) for n in range(pit.size(ACTIONS_MAX))]
    return pit.step(pit.command(Propose, "root", "terms", _proposed(rows, "set_terms")))


def _begun(pit: Pit) -> Callable[[], object]:
    for n in range(2, pit.size(INSTRUMENTS_MAX)):
        pit.does(ListInstrument, Instrument(f"S{n}"))
    return pit.step(pit.command(BeginAccounts, "root", False))  # noqa: FBT003 - a command's field


def _shown(pit: Pit) -> Callable[[], object]:
    _begin(pit)
    users = pit.size(ACCOUNTS)
    for n in range(users):
        pit.does(SetGroups, "root", f"user-{n}", ("staff",))
    return pit.step(pit.command(ReadMarket, "root", max(0, users - ROWS_MAX)))


def _ruled(pit: Pit) -> None:
    """Have many users in a group, and as many orders of theirs as a command ends."""
    _begin(pit, four_eyes=False)
    for n in range(pit.size(RULED_ACCOUNTS)):
        name = f"user-{n}"
        _deposit(pit, name, MONEY // RULED_ACCOUNTS)
        pit.does(SetGroups, "root", name, ("insiders",))
        if n < pit.size(SWEPT_MAX):
            pit.rest(name, Side.BID, 1)
        if n % 1_000 == 0:
            pit.tell()


def _rule(n: int, kind: RuleKind = RuleKind.BLACKOUT, days: int = 0) -> SetRule:
    groups = ("insiders",) if kind is RuleKind.BLACKOUT else ()
    return SetRule("", 0, "root", f"r{n}", kind, groups, (), 0, 0, RuleParameters(days), discreet=False)


def _closed_out(pit: Pit) -> Callable[[], object]:
    _ruled(pit)
    return pit.step(pit.command(SetRule, *_rule(0)[2:]))


def _rules_proposed(pit: Pit) -> Callable[[], object]:
    _ruled(pit)
    rules = tuple(ProposedAction("set_rule", _rule(n)) for n in range(pit.size(ACTIONS_MAX)))
    return pit.step(pit.command(Propose, "root", "rules", rules))


def _stopped(pit: Pit) -> Callable[[], object]:
    _ruled(pit)
    return pit.step(pit.command(SetKill, "root", "market", "", True, "rumour"))  # noqa: FBT003 - a command's field


def _revoked(pit: Pit) -> Callable[[], object]:
    """Orders of a user who has all that one may have, all of which name the clearance."""
    _begin(pit)
    _deposit(pit, "user")
    cleared = ("root", "c", "user", SYMBOL, Side.BID)
    pit.does(SetClearance, *cleared, ORDERS_A_USER, 0, _VESTING_US)
    for n in range(pit.size(ORDERS_A_USER)):
        order = (SYMBOL, f"o{n}", Side.BID, OrderKind.LIMIT, MID - n, 1, TimeInForce.GTC, False)
        pit.does(PlaceSpecial, "user", *order, SelfTradePrevention.CANCEL_NEWEST, 0, 0, 0, "", 0, "c")
    return pit.step(pit.command(SetClearance, *cleared, 0, 0, 0))


def _judged(pit: Pit) -> Callable[[], object]:
    """Of rules that leave some orders to be judged one by one."""
    _begin(pit)
    _deposit(pit, "user")
    for n in range(pit.size(RULES_MAX)):
        pit.does(SetRule, *_rule(n, RuleKind.SHORT_SWING, 184)[2:])
    return pit.step(pit.place("user", Side.BID, 1))


ADMINISTRATION: Final[dict[str, Case]] = {
    "beginning of accounts, 10,000 instruments": _begun,
    f"market FOK that meets {ORDERS_MET_MAX}, with accounts, a collar and a limit of value": _market_bid,
    f"order whose user is in {GROUPS_OF_USER_MAX} groups with limits, the first after a change": _compiled,
    "withdrawal that ends 1,000 orders": _withdrawn,
    "the same, proposed where one administrator is enough": _withdrawal_proposed,
    "end of a user's 1,000 orders by an administrator": _orders_ended,
    f"confirmation of {ACTIONS_MAX} deposits, 10,000 instruments": _deposits,
    f"{ACTIONS_MAX} grants to holders who wait for {RESTRICTED_MAX} dates": _grants,
    f"a limit, {GATES_MAX:,} gates compiled before": _limited,
    f"{ACTIONS_MAX} users put into {GROUPS_OF_USER_MAX} groups each": _grouped,
    f"terms of {ACTIONS_MAX} of 10,000 instruments": _terms,
    "page of what is set, 100,000 accounts with groups": _shown,
    f"rule that ends {SWEPT_MAX:,} orders of {RULED_ACCOUNTS:,} users": _closed_out,
    f"the same of {ACTIONS_MAX} rules in one proposal": _rules_proposed,
    f"kill of the market, {SWEPT_MAX:,} orders": _stopped,
    "a clearance revoked that 1,000 orders name": _revoked,
    f"order under {RULES_MAX} rules, the first after a change": _judged,
}
"""As `worst_commands.COMMANDS`."""

"""A log in which all kinds of rows come about: accounts, transfers, orders that fill, refusals, rules, proposals."""

from __future__ import annotations

from random import Random
from typing import Any

from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.types import (
    BANK,
    ISSUER,
    MarketState,
    OrderKind,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TransferKind,
)
from shared.logs.commands import (
    CancelOrder,
    Command,
    Confirm,
    ListInstrument,
    PlaceOrder,
    Propose,
    ProposedAction,
    SetMarketState,
    Tick,
)
from shared.logs.market_commands import BeginAccounts, Limits, MakeTransfer, SetGroups, SetLimits, SetTerms
from shared.logs.mass_quote import MassQuote
from shared.logs.rule_commands import RuleKind, RuleParameters, SetClearance, SetRule
from tests.property.command_flow import INSTRUMENTS

USERS = ("ann", "bob", "cat", "dan")
UNTIL_US = 20_003 * 86_400_000_000


def trading_log(random: Random, length: int, *, accounts: bool = True) -> list[Command]:
    """Return so many commands behind those that begin a market."""
    log: list[Command] = [ListInstrument("leader", n, found) for n, found in enumerate(INSTRUMENTS, 1)]
    if accounts:
        log.append(BeginAccounts("leader", len(log) + 1, "root"))
        for user in USERS:
            log.append(_transfer(len(log) + 1, TransferKind.DEPOSIT, "USD", BANK, user, 10**11))
            for listed in INSTRUMENTS:
                log.append(_transfer(len(log) + 1, TransferKind.GRANT, listed.symbol, ISSUER, user, 500))
        log.append(SetTerms("leader", len(log) + 1, "root", "ACME", 100, 900))
        log.append(SetGroups("leader", len(log) + 1, "root", "ann", ("staff",)))
        log.append(SetClearance("leader", len(log) + 1, "root", "k0", "ann", "ACME", Side.BID, 5, 0, UNTIL_US))
    return log + [_command(random, number, accounts=accounts) for number in range(1, length + 1)]


def _transfer(number: int, kind: TransferKind, asset: str, debit: str, credit: str, amount: int) -> MakeTransfer:
    return MakeTransfer("leader", number, "root", f"t{number}", kind, asset, debit, credit, amount, 0, "a note", False)


def _command(random: Random, number: int, *, accounts: bool) -> Command:
    user, symbol = random.choice(USERS), random.choice(("ACME", "ACME", "ACME", "GPU-HOUR", "NONE"))
    kind = random.random()
    if kind < 0.6 or not accounts:
        side = random.choice((Side.BID, Side.ASK))
        price = random.choice((random.randint(97, 103), random.randint(97, 103), 999))
        return PlaceOrder(
            "g", number, user, symbol, f"c{number}", side, OrderKind.LIMIT, price, random.randint(1, 9),
            random.choice((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC)), False,
            SelfTradePrevention.CANCEL_NEWEST,
        )  # fmt: skip
    if kind < 0.66:
        return CancelOrder("g", number, user, random.randint(1, number), "")
    if kind < 0.7:
        pairs = (QuotedPair("ACME", 98, 2, 102, 2), QuotedPair("NONE", 1, 1, 2, 1))
        return MassQuote("g", number, user, f"q{number}", pairs[: random.randint(1, 2)])
    if kind < 0.82:
        return Confirm("g", number, random.choice(("root", "boss")), f"p{number // 5}")
    if kind < 0.98:
        actions = tuple(_action(random, number) for _ in range(random.randint(1, 3)))
        return Propose("g", number, random.choice(("root", "boss")), f"p{number // 5}", actions)
    return Tick("g", number)


def _action(random: Random, number: int) -> ProposedAction:
    user = random.choice(USERS)
    actions: tuple[tuple[str, Any], ...] = (
        ("make_transfer", _transfer(number + 1000, TransferKind.GRANT, "ACME", ISSUER, user, random.randint(1, 9))),
        ("set_limits", SetLimits("", 0, "", user, "", None, Limits(may_short=random.randint(0, 50)))),
        ("set_groups", SetGroups("", 0, "", user, ("staff",))),
        ("set_terms", SetTerms("", 0, "", "ACME", 100, random.choice((0, 900)))),
        ("set_market_state", SetMarketState("", 0, "GPU-HOUR", random.choice(list(MarketState)[:2]), "a reason")),
        (
            "set_rule",
            SetRule("", 0, "", "Q4", RuleKind.BLACKOUT, ("staff",), ("GPU-HOUR",), 0, 0, RuleParameters(), True),
        ),
        ("set_clearance", SetClearance("", 0, "", f"k{number}", user, "ACME", Side.BID, 5, 0, UNTIL_US)),
    )
    return ProposedAction(*random.choice(actions))

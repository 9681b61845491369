"""What lets a crowd trade where the exchange keeps accounts: money, lots, groups, limits, a collar, an opening call.

And what compliance does to it: a blackout, when somebody asks for one.

The same commands again change nothing, so a crowd that comes back asks for them once more; in a market that keeps no
accounts they are refused, and nobody needs them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from zlib import crc32

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import AMOUNT_MAX, BANK, ISSUER, TransferKind
from outcry.flow.fair_value import opening_prices, quantities
from shared.logs.commands import Command
from shared.logs.market_commands import BeginAccounts, Limits, MakeTransfer, SetGroups, SetLimits, SetTerms
from shared.logs.rule_commands import RuleKind, RuleParameters, SetRule
from shared.logs.session_commands import ScheduledStep, SetSchedule

ACTOR: Final = "demo-root"
MONEY: Final = 10**17
"""Millionths of each currency a user gets, if all of it together is in range: more than a crowd spends in years."""
CALENDAR: Final = "demo"
CALL_S: Final = 5.0
"""How long the opening call lasts, unless it is told otherwise."""
RANDOM_END_S: Final = 2
DAY_S: Final = 400 * 86_400
INSIDERS: Final = "insiders"
INSIDERS_EVERY: Final = 5
"""Every fifth user of each group is an insider too."""
COMPLIANCE: Final = "demo-compliance"
BLACKOUT: Final = "results"
"""The rule's name."""
BLACKOUT_S: Final = 10
"""How long an instrument is closed to insiders; their orders end as it begins."""
SECOND_US: Final = 1_000_000
LOTS: Final = 10**12
"""Of each instrument."""
COLLAR_BP: Final = 1_000
COLLARED_FROM: Final = 4_000
"""Ticks: below it the crowd's own orders would be further from the last price than the collar allows."""


def funding(
    instruments: Sequence[Instrument],
    groups: Mapping[str, Sequence[str]],
    source: str,
    numbers: Iterator[int],
    now_us: int | None = None,
    call_s: float = CALL_S,
) -> list[Command]:
    """
    Return the commands; O(users times instruments).

    Args:
        instruments: What is traded.
        groups: The crowd's users, by the group that each is in.
        source: Of the commands.
        numbers: Theirs.
        now_us: When the day begins, with a call, µs; None: the market has no sessions.
        call_s: How long the call lasts.
    """
    money = min(MONEY, AMOUNT_MAX // sum(len(users) for users in groups.values()))
    largest = max(max(quantities(instrument)) for instrument in instruments)
    commands: list[Command] = [
        BeginAccounts(source, next(numbers), ACTOR, four_eyes=False),
    ]
    if now_us is not None:
        commands.append(SetSchedule(source, next(numbers), ACTOR, CALENDAR, "", _day(now_us, call_s)))
    has_day = now_us is not None
    prices = opening_prices(instruments).items()
    commands += [_terms(symbol, price, source, next(numbers), has_day=has_day) for symbol, price in prices]
    for group, users in groups.items():
        limits = Limits(order_quantity_max=largest)
        commands.append(SetLimits(source, next(numbers), ACTOR, "", group, None, limits))
        for place, user in enumerate(users):
            named = (INSIDERS, group) if place % INSIDERS_EVERY == 0 else (group,)
            commands.append(SetGroups(source, next(numbers), ACTOR, user, named))
            commands += _transfers(instruments, user, money, source, numbers)
    return commands


def blackout(symbol: str, source: str, number: int, now_us: int, seconds: int = BLACKOUT_S) -> SetRule:
    """Return the command that closes an instrument to insiders from now on."""
    rule = (BLACKOUT, RuleKind.BLACKOUT, (INSIDERS,), (symbol,), now_us, now_us + seconds * SECOND_US)
    return SetRule(source, number, COMPLIANCE, *rule, RuleParameters(), discreet=False)


def _day(now_us: int, call_s: float) -> tuple[ScheduledStep, ...]:
    """Return the steps of a day that has just begun, and is longer than any crowd trades."""
    seconds = ((-1, "open_call"), (call_s, "uncross"), (call_s, "continuous"), (DAY_S, "close"))
    day = datetime.fromtimestamp(now_us // SECOND_US, UTC).date().isoformat()
    return tuple(ScheduledStep(day, now_us + int(second * SECOND_US), step) for second, step in seconds)


def _terms(symbol: str, price: int, source: str, number: int, *, has_day: bool) -> SetTerms:
    collar_bp = COLLAR_BP if price >= COLLARED_FROM else 0
    terms = SetTerms(source, number, ACTOR, symbol, price, collar_bp)
    return terms._replace(calendar=CALENDAR, random_end_s=RANDOM_END_S) if has_day else terms


def _transfers(
    instruments: Sequence[Instrument], user: str, money: int, source: str, numbers: Iterator[int]
) -> Iterator[MakeTransfer]:
    deposits = [(TransferKind.DEPOSIT, currency, BANK, money) for currency in _currencies(instruments)]
    lots = [(TransferKind.GRANT, instrument.symbol, ISSUER, LOTS) for instrument in instruments]
    for kind, asset, debit, amount in itertools.chain(deposits, lots):
        name = f"fund:{crc32(f'{user} {asset}'.encode()):08x}"
        yield MakeTransfer(
            source, next(numbers), ACTOR, name, kind, asset, debit, user, amount, 0, "", cancel_orders=False
        )


def _currencies(instruments: Sequence[Instrument]) -> list[str]:
    return list(dict.fromkeys(instrument.currency for instrument in instruments))

"""The most expensive commands by which time passes, and of what is done in parts: see `worst_commands`.

What is more than one command may do goes on with the next ones. Each case is the first of them, but for those that say
otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from benchmarks.pit import DEEPEST, MID, ORDERS_A_USER, SYMBOL, Case, Pit
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import BANK, OrderKind, SelfTradePrevention, Side, TimeInForce, TransferKind
from services.matching.rules.rule_book import RULES_MAX
from services.matching.timers import TIMERS_MAX
from services.matching.traded_instrument import INSTRUMENTS_MAX
from shared.logs.commands import ListInstrument, PlaceSpecial, Tick
from shared.logs.market_commands import BeginAccounts, MakeTransfer, SetGroups, SetTerms
from shared.logs.rule_commands import RuleKind, RuleParameters, SetKill, SetRule
from shared.logs.session_commands import ScheduledStep, SetSchedule

SECOND_US: Final = 1_000_000
DAY: Final = "1970-01-01"
MONEY: Final = 10**15
USERS: Final = DEEPEST // ORDERS_A_USER


def _planned(pit: Pit, *steps: str) -> None:
    """Have all instruments follow one calendar, with a step a second."""
    pit.does(BeginAccounts, "root", False)  # noqa: FBT003 - a command's field
    planned = [ScheduledStep(DAY, SECOND_US * n, step) for n, step in enumerate((*steps, "close"), 1)]
    pit.does(SetSchedule, "root", "day", "2026.3", tuple(planned))
    names = [SYMBOL, *[f"S{n}" for n in range(1, pit.size(INSTRUMENTS_MAX))]]
    for name in names:
        if name != SYMBOL:
            pit.does(ListInstrument, Instrument(name))
        calls = (0, 0, 0, 0, 0, 0, 0, 0)
        pit.does(SetTerms, "root", name, MID, 0, (), *calls, "day")
    pit.tell()


def _stepped(*steps: str) -> Case:
    """The last of these steps."""

    def case(pit: Pit) -> Callable[[], object]:
        _planned(pit, *steps)
        for second in range(1, len(steps)):
            pit.time_us = SECOND_US * second
            while pit.engine.timers.next_due <= pit.time_us or pit.engine.is_late:
                pit.does(Tick)
                pit.tell()
        pit.time_us = SECOND_US * len(steps)
        return pit.step(pit.command(Tick))

    return case


def _moments(pit: Pit) -> Callable[[], object]:
    for n in range(pit.size(TIMERS_MAX)):
        user = f"user-{n // ORDERS_A_USER}"
        order = (user, SYMBOL, f"{pit.number:024}", Side.ASK, OrderKind.LIMIT, MID + n, 1, TimeInForce.GTD, False)
        rules = (SelfTradePrevention.CANCEL_NEWEST, 0, 0, SECOND_US + n, "", 0, "")
        pit.does(PlaceSpecial, *order, *rules)
        if not n % 1_000:
            pit.tell()
    pit.time_us = 2 * SECOND_US
    return pit.step(pit.command(Tick))


def _rules_end(pit: Pit) -> Callable[[], object]:
    pit.does(BeginAccounts, "root", False)  # noqa: FBT003 - a command's field
    for n in range(pit.size(RULES_MAX)):
        row = (f"r{n}", RuleKind.BLACKOUT, ("staff",), (), 0, SECOND_US, RuleParameters(), False)
        pit.does(SetRule, "root", *row)
    pit.time_us = SECOND_US
    return pit.step(pit.command(Tick))


def _crowded(pit: Pit) -> None:
    """Have many users of a group who have all the orders that they may have."""
    pit.does(BeginAccounts, "root", False)  # noqa: FBT003 - a command's field
    for user in range(pit.size(USERS)):
        name = f"user-{user}"
        given = (f"for-{name}", TransferKind.DEPOSIT, "USD", BANK, name, MONEY, 0, "", False)
        pit.does(MakeTransfer, "root", *given)
        pit.does(SetGroups, "root", name, ("staff",))
        for n in range(pit.size(ORDERS_A_USER)):
            pit.rest(name, Side.BID, MID - n)
        pit.tell()


def _killed(parts_before: int) -> Case:
    def case(pit: Pit) -> Callable[[], object]:
        _crowded(pit)
        kill = pit.command(SetKill, "root", "group", "staff", True, "rumour")  # noqa: FBT003 - a command's field
        if not parts_before:
            return pit.step(kill)
        pit.builder.apply(kill, pit.time_us)
        for _ in range(parts_before - 1):
            pit.does(Tick)
        return pit.step(pit.command(Tick))

    return case


SESSIONS: Final[dict[str, Case]] = {
    f"step of {INSTRUMENTS_MAX:,} instruments: trading begins": _stepped("continuous"),
    f"step of {INSTRUMENTS_MAX:,} instruments: a call begins": _stepped("open_call"),
    f"ends of the calls of {INSTRUMENTS_MAX:,} instruments": _stepped("open_call", "uncross"),
    f"tick at which {TIMERS_MAX:,} orders have ended, each at its own moment": _moments,
    f"tick at which {RULES_MAX} rules end": _rules_end,
    f"kill of a group with {DEEPEST:,} orders": _killed(0),
    "the same, the tenth part": _killed(9),
}
"""As `worst_commands.COMMANDS`."""

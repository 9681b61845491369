"""The company's administration in a simulated market with accounts: transfers, limits, groups, terms, rules, days.

Its commands are appended to the log as a gateway would append them, each with a number of its own, and some of them
twice: an id that is sent again changes nothing. What it asks for may be refused; all that must hold is what holds of
every command.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from openoutcry.wire.types import BANK, ISSUER, Side, TransferKind
from shared.logs.commands import Command
from shared.logs.market_commands import BeginAccounts, Limits, MakeTransfer, SetGroups, SetLimits, SetTerms
from shared.logs.rule_commands import RuleKind, RuleParameters, SetClearance, SetKill, SetRule
from shared.logs.session_commands import EndCall, ScheduledStep, SetSchedule
from tests.simulation.desk import PRICE

SHARE: Final = 0.5
"""Of the seeds have a market with accounts."""
SOURCE: Final = "treasury"
PAUSE_S: Final = (0.1, 0.8)
"""Between two of its acts."""
TICK_VALUE: Final = 10_000
"""What one lot of each instrument is worth at one tick, in millionths."""
RULES: Final = ("r1", "r2")
DAY_US: Final = 2_000_000
"""Lots are held back for a few of these."""


class Treasury:
    """
    What is appended.

    Args:
        random: Of its choices.
        users: Whose accounts.
        symbols: Of what is listed.
        append: Appends one command to the log.
    """

    def __init__(
        self, random: Random, users: Sequence[str], symbols: Sequence[str], append: Callable[[Command], None]
    ) -> None:
        self._random = random
        self._users = users
        self._symbols = symbols
        self._append = append
        self._numbers = itertools.count(1)
        self._ids = itertools.count(1)
        self._last: MakeTransfer | None = None

    def begin(self) -> None:
        """Have accounts kept, before anybody is known."""
        self._append(BeginAccounts(SOURCE, next(self._numbers), "root"))

    def act(self, now_us: int) -> None:
        """Append one command; `now_us` is about the log's time."""
        random = self._random
        [make] = random.choices(
            [
                self._fund,
                self._take,
                self._correct,
                self._again,
                self._limit,
                self._group,
                self._terms,
                self._rule,
                self._clear,
                self._kill,
                self._plan,
                self._sessions,
                self._end_call,
            ],
            [50, 14, 6, 8, 8, 7, 7, 9, 3, 3, 22, 14, 4],
        )
        self._append(make(now_us))

    def rest(self) -> None:
        """Lift all kills and remove all rules, so that everybody may trade."""
        for scope, name in self._stoppable():
            self._append(SetKill(SOURCE, next(self._numbers), "root", scope, name, on=False, reason=""))
        nothing = ((), (), 0, 0, RuleParameters())
        for rule_id in RULES:
            self._append(SetRule(SOURCE, next(self._numbers), "root", rule_id, RuleKind.NONE, *nothing, discreet=False))

    def _fund(self, now_us: int) -> Command:
        random = self._random
        user = random.choice(self._users)
        if random.random() < 0.5:
            return self._transfer(TransferKind.DEPOSIT, "USD", BANK, user, random.randint(1, 60 * PRICE) * TICK_VALUE)
        later = now_us + random.randint(0, 4) * DAY_US if random.random() < 0.4 else 0
        lots = random.randint(1, 40)
        return self._transfer(TransferKind.GRANT, random.choice(self._symbols), ISSUER, user, lots, later)

    def _take(self, _now_us: int) -> Command:
        random = self._random
        user = random.choice(self._users)
        if random.random() < 0.5:
            return self._transfer(TransferKind.WITHDRAWAL, "USD", user, BANK, random.randint(1, 9 * PRICE) * TICK_VALUE)
        return self._transfer(TransferKind.FORFEIT, random.choice(self._symbols), user, ISSUER, random.randint(1, 9))

    def _correct(self, _now_us: int) -> Command:
        random = self._random
        debit, credit = random.sample([*self._users, BANK, ISSUER], 2)
        asset = random.choice([*self._symbols, "USD", "EUR"])
        return self._transfer(TransferKind.CORRECTION, asset, debit, credit, random.randint(0, 9))

    def _again(self, now_us: int) -> Command:
        """Send the last transfer again, as it was or with another amount."""
        if self._last is None:
            return self._fund(now_us)
        amount = self._last.amount + (self._random.random() < 0.3)
        return self._last._replace(number=next(self._numbers), amount=amount)

    def _limit(self, _now_us: int) -> Command:
        random = self._random
        limits = Limits(
            order_quantity_max=self._perhaps(3, 20),
            order_value_max=self._perhaps(3 * PRICE * TICK_VALUE, 20 * PRICE * TICK_VALUE),
            collar_bp=self._perhaps(100, 900),
            open_orders_max=self._perhaps(1, 12),
            position_max=self._perhaps(10, 200),
            may_short=self._perhaps(0, 20),
        )
        user, group = random.choice([("", ""), ("", "x"), ("", "y"), (random.choice(self._users), "")])
        symbol = random.choice([None, *self._symbols])
        return SetLimits(SOURCE, next(self._numbers), "root", user, group, symbol, limits)

    def _group(self, _now_us: int) -> Command:
        groups = tuple(group for group in "xy" if self._random.random() < 0.5)
        return SetGroups(SOURCE, next(self._numbers), "root", self._random.choice(self._users), groups)

    def _terms(self, _now_us: int) -> Command:
        symbol, collar_bp = self._random.choice(self._symbols), self._random.choice([0, 0, 300, 1_000])
        return SetTerms(SOURCE, next(self._numbers), "root", symbol, PRICE, collar_bp)

    def _plan(self, now_us: int) -> Command:
        """Plan a day of a few seconds, or of a few milliseconds, from now on."""
        random = self._random
        call, trades = random.choice(["open_call", "single_call"]), random.choice(["continuous", "continuous", "batch"])
        steps = [call, "uncross", trades, "close_call", "uncross", "close"]
        at, planned = now_us + random.randint(-DAY_US // 8, DAY_US // 8), []
        for step, lasts_s in zip(steps, (2.5, 0, 4, 1.5, 0.2, 0), strict=True):
            planned.append(ScheduledStep("2026-11-30", at, step))
            at += int(random.random() * lasts_s * 1_000_000)
        return SetSchedule(SOURCE, next(self._numbers), "root", "day", "", tuple(planned))

    def _sessions(self, _now_us: int) -> Command:
        """Have an instrument follow the calendar or none, with bands or without, and calls after halts."""
        random = self._random
        band_bp = random.choice([0, 100, 300])
        terms = SetTerms(
            SOURCE, next(self._numbers), "root", random.choice(self._symbols), PRICE, random.choice([0, 1_000])
        )
        return terms._replace(
            calendar=random.choice(["", "day"]),
            band_bp=band_bp,
            static_bp=random.choice([0, band_bp]),
            volatility_s=1,
            extension_s=random.choice([0, 1]),
            random_end_s=random.choice([0, 1]),
            reopening_s=random.choice([0, 1]),
            batch_ms=random.choice([100, 500]),
        )

    def _end_call(self, _now_us: int) -> Command:
        return EndCall(SOURCE, next(self._numbers), "root", self._random.choice(self._symbols), 0, force=True)

    def _rule(self, now_us: int) -> Command:
        """Set a rule that begins and ends within a few seconds, or remove one."""
        random = self._random
        kind = random.choice([*RuleKind, RuleKind.NONE, RuleKind.NONE])
        begins = random.choice([0, now_us + random.randint(0, DAY_US)])
        ends = random.choice([0, max(begins, now_us) + random.randint(1, 2 * DAY_US)])
        groups = tuple(group for group in "xy" if random.random() < 0.7)
        symbols = (random.choice(self._symbols),) if random.random() < 0.7 else ()
        made = RuleParameters(
            days=1 if kind in (RuleKind.HOLDING_PERIOD, RuleKind.SHORT_SWING) else 0,
            share_bp=2_000 if kind is RuleKind.SELL_SHARE else 0,
        )
        named = (random.choice(RULES), kind, groups, symbols, begins, ends, made)
        return SetRule(SOURCE, next(self._numbers), "root", *named, discreet=random.random() < 0.3)

    def _clear(self, now_us: int) -> Command:
        random = self._random
        lots, ends = random.choice([0, 10, 50]), now_us + random.randint(1, 3 * DAY_US)
        named = (random.choice(["c1", "c2"]), random.choice(self._users), random.choice(self._symbols))
        return SetClearance(SOURCE, next(self._numbers), "root", *named, random.choice(list(Side)), lots, 0, ends)

    def _kill(self, _now_us: int) -> Command:
        scope, name = self._random.choice(self._stoppable())
        return SetKill(SOURCE, next(self._numbers), "root", scope, name, on=self._random.random() < 0.3, reason="")

    def _stoppable(self) -> list[tuple[str, str]]:
        return [("user", self._users[0]), ("group", "x"), ("instrument", self._symbols[-1]), ("market", "")]

    def _perhaps(self, least: int, most: int) -> int | None:
        return self._random.randint(least, most) if self._random.random() < 0.25 else None

    def _transfer(
        self, kind: TransferKind, asset: str, debit: str, credit: str, amount: int, available_from: int = 0
    ) -> MakeTransfer:
        cancel_orders = self._random.random() < 0.5
        name = f"t{next(self._ids)}"
        self._last = MakeTransfer(
            SOURCE,
            next(self._numbers),
            "root",
            name,
            kind,
            asset,
            debit,
            credit,
            amount,
            available_from,
            "",
            cancel_orders,
        )
        return self._last

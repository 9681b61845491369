"""`make market-day`: a company's whole day, 1,000 users, in the engine's own time; two oracles judge every answer.

The day has an opening call, continuous trading and a closing call. Accounts have money, lots, lots that vest at noon,
limits and a collar. A blackout, a discreet restriction, a window, clearances, short swings and a kill come and go. The
oracles know rules and trades alone (`naive_accounts`, `naive_rules`): every order that they forbid must be refused for
one of their reasons, and every other one taken. Every fill is judged too.
"""

# ruff: noqa: T201 - a command prints
from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from random import Random
from typing import Final

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Execution, Terms
from openoutcry.wire.types import (
    BANK,
    ISSUER,
    Code,
    ExecutionEvent,
    OrderKind,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TransferKind,
)
from services.matching import Engine
from shared.logs.commands import CancelOrder, Command, ListInstrument, PlaceOrder, PlaceSpecial, ReplaceOrder, Tick
from shared.logs.events import Outcome
from shared.logs.market_commands import BeginAccounts, Limits, MakeTransfer, SetGroups, SetLimits, SetTerms
from shared.logs.rule_commands import RuleKind, RuleParameters, SetClearance, SetKill, SetRule
from shared.logs.session_commands import ScheduledStep, SetSchedule
from tests.property.naive_accounts import NaiveAccounts
from tests.property.naive_rules import NaiveRules

SECOND_US: Final = 1_000_000
MINUTE_S: Final = 60
DAY: Final = "2026-11-30"
MIDNIGHT_US: Final = 1_795_996_800 * SECOND_US
"""Of that day, UTC."""
OPEN_S, CLOSE_S = 9 * 3_600, 17 * 3_600 + 30 * MINUTE_S
LISTING: Final = (
    Instrument("ACME", price_max=1_000, quantity_max=50),
    Instrument("BETA", price_max=1_000, quantity_max=50),
)
LOOK_EVERY: Final = 2_000
"""Commands between two looks at everything: invariants, what rests, all balances."""


class DayAccounts(NaiveAccounts):
    """The oracle of accounts with its open orders by user, instrument and side; a whole look is asked for."""

    def __init__(self, listing: dict[str, Instrument]) -> None:
        super().__init__(listing)
        self._open: defaultdict[tuple[str, str, Side], dict[int, Execution]] = defaultdict(dict)

    def open(self, user: str, symbol: str, side: Side) -> list[Execution]:
        return list(self._open[user, symbol, side].values())

    def own(self, user: str) -> list[int]:
        return [each for (of_user, _, _), orders in self._open.items() if of_user == user for each in orders]

    def check(self) -> None:
        """Not after each command: `check_all` does."""

    def check_all(self) -> None:
        super().check()

    def _note_execution(self, user: str, execution: Execution) -> None:
        super()._note_execution(user, execution)
        if execution.event is ExecutionEvent.REJECTED:
            return
        orders = self._open[user, execution.instrument, execution.side]
        if execution.remaining:
            orders[execution.order_id] = execution
        else:
            orders.pop(execution.order_id, None)


class MarketDay:
    """
    One day.

    Args:
        users: How many trade.
        orders: About how many they enter.
        seed: Of all that is drawn.
    """

    def __init__(self, users: int, orders: int, seed: int) -> None:
        self.random = Random(seed)
        self.users = [f"user-{number:04}" for number in range(users)]
        self.engine = Engine()
        self.accounts = DayAccounts({each.symbol: each for each in LISTING})
        self.rules = NaiveRules()
        self.seen: Counter[str] = Counter()
        self.commands = 0
        self._orders = orders
        self._time_us = MIDNIGHT_US
        self._number = 0
        self._prices = {each.symbol: 100 for each in LISTING}

    def run(self) -> None:
        """Live through it; raises AssertionError at the first answer or fill that the oracles do not expect."""
        self._found()
        a_second = self._orders / (CLOSE_S - OPEN_S)
        for second in range(OPEN_S - 5 * MINUTE_S, CLOSE_S + 5 * MINUTE_S):
            self._time_us = MIDNIGHT_US + second * SECOND_US
            self._does(Tick)
            self._office(second)
            count = int(a_second) + (self.random.random() < a_second % 1)
            for place in range(count):
                self._time_us = MIDNIGHT_US + second * SECOND_US + (place + 1) * SECOND_US // (count + 1)
                self._trade(second)
        self._look()

    # -- the company --------------------------------------------------------------------------------------------------

    def _found(self) -> None:
        for instrument in LISTING:
            self._does(ListInstrument, instrument)
        self._does(BeginAccounts, "root")
        steps = (
            (OPEN_S, "open_call"),
            (OPEN_S + 5 * MINUTE_S, "uncross"),
            (OPEN_S + 5 * MINUTE_S, "continuous"),
            (CLOSE_S - 5 * MINUTE_S, "close_call"),
            (CLOSE_S, "uncross"),
            (CLOSE_S, "close"),
        )
        planned = tuple(ScheduledStep(DAY, MIDNIGHT_US + second * SECOND_US, step) for second, step in steps)
        self._does(SetSchedule, "root", "day", "2026.3", planned)
        for instrument in LISTING:
            terms = Terms(instrument.symbol, 0, 100, 1_000)._replace(calendar="day")._asdict()
            del terms["instrument"], terms["time"]
            self._does(SetTerms, "root", instrument.symbol, *terms.values())
        limits = Limits(order_quantity_max=40, order_value_max=60_000_000, open_orders_max=30, position_max=400)
        self._does(SetLimits, "root", "", "", None, limits)
        self._does(SetLimits, "root", "", "interns", None, Limits(order_quantity_max=5))
        noon = MIDNIGHT_US + 12 * 3_600 * SECOND_US
        for number, user in enumerate(self.users):
            self._transfer(TransferKind.DEPOSIT, "USD", BANK, user, self.random.randrange(20, 400) * SECOND_US)
            for instrument in LISTING:
                self._transfer(TransferKind.GRANT, instrument.symbol, ISSUER, user, self.random.randrange(1, 120))
            if number % 7 == 0:
                self._transfer(TransferKind.GRANT, "ACME", ISSUER, user, 60, noon)
            groups = [("insiders", 10), ("interns", 9), ("board", 50), ("cleared", 25), ("windowed", 20)]
            mine = tuple(sorted(name for name, every in groups if number % every == 3))
            if mine:
                self._does(SetGroups, "root", user, mine)
        self._rule("window", RuleKind.WINDOW, ("windowed",), (10, 15))
        self._rule("clearance", RuleKind.CLEARANCE, ("cleared",))
        self._rule("swing", RuleKind.SHORT_SWING, ("board",), parameters=RuleParameters(days=1))

    def _office(self, second: int) -> None:
        """What compliance and administrators do in the course of the day, each at the beginning of a second."""
        hour, within = divmod(second, 3_600)
        if within:
            return
        if hour == 11:
            self._rule("results", RuleKind.BLACKOUT, ("insiders",), (11, 13))
        elif hour == 14:
            self._rule("quiet", RuleKind.RESTRICTED, ("interns",), (14, 16), discreet=True)
            self._does(SetKill, "root", "user", self.users[0], True, "")
        elif hour == 15:
            self._does(SetKill, "root", "user", self.users[0], False, "")
        for user in self.users:
            if "cleared" in self.rules.groups.get(user, ()) and self.random.random() < 0.5:
                until = self._time_us + 2 * 3_600 * SECOND_US
                side = self.random.choice(list(Side))
                self._does(SetClearance, "root", f"{user}-{hour}", user, "ACME", side, 50, 0, until)

    def _rule(
        self,
        name: str,
        kind: RuleKind,
        groups: tuple[str, ...],
        hours: tuple[int, int] | None = None,
        *,
        parameters: RuleParameters | None = None,
        discreet: bool = False,
    ) -> None:
        times = (MIDNIGHT_US + hour * 3_600 * SECOND_US for hour in hours) if hours else (0, 0)
        self._does(SetRule, "root", name, kind, groups, ("ACME",), *times, parameters or RuleParameters(), discreet)

    def _transfer(self, kind: TransferKind, asset: str, debit: str, credit: str, amount: int, later: int = 0) -> None:
        self._does(MakeTransfer, "root", f"t{self._number}", kind, asset, debit, credit, amount, later, "", False)

    # -- the users ----------------------------------------------------------------------------------------------------

    def _trade(self, second: int) -> None:
        random, user = self.random, self.random.choice(self.users)
        own = self.accounts.own(user) if random.random() < 0.3 else []
        if own and random.random() < 0.5:
            self._does(CancelOrder, user, random.choice(own), "")
            return
        if own:
            order = self.accounts.orders[own[0]][1]
            price = order.price + random.randrange(-2, 3)
            self._does(ReplaceOrder, user, order.order_id, "", price, random.randrange(1, 20))
            return
        symbol = random.choice(LISTING).symbol
        self._prices[symbol] = min(max(self._prices[symbol] + random.choice((-1, 0, 0, 1)), 80), 125)
        side = random.choice(list(Side))
        price = max(self._prices[symbol] + random.randrange(-4, 5) + random.choice((0, 0, 0, 0, 25, -25)), 1)
        is_continuous = OPEN_S + 5 * MINUTE_S <= second < CLOSE_S - 5 * MINUTE_S
        kind, times = OrderKind.LIMIT, TimeInForce.GTC
        if is_continuous and random.random() < 0.3:
            times = TimeInForce.IOC
            if random.random() < 0.2:
                kind, price = OrderKind.MARKET, 0
        lots = random.choice((1, 2, 3, 5, 8, 13, 41))
        order = (user, symbol, f"c{self._number}", side, kind, price, lots, times, False)
        policy = SelfTradePrevention.CANCEL_NEWEST
        names = [name for name in self.rules.clearances if name.startswith(f"{user}-")]
        if names and symbol == "ACME" and kind is OrderKind.LIMIT:
            self._does(PlaceSpecial, *order, policy, 0, 0, 0, "", 0, random.choice(names))
        else:
            self._does(PlaceOrder, *order, policy)

    # -- the judges ---------------------------------------------------------------------------------------------------

    def _does(self, kind: type[Command], *fields: object) -> None:
        self._number += 1
        command: Command = kind("a-gateway", self._number, *fields)  # type: ignore[call-arg, arg-type, assignment]
        allowed = self._allowed(command)
        events = self.engine.apply(command, self._time_us)
        outcome = events[-1]
        assert isinstance(outcome, Outcome)
        assert outcome.code in allowed, (command, outcome, allowed)
        if isinstance(command, PlaceSpecial) and outcome.order_id:
            self.rules.named[outcome.order_id] = command.clearance
        if isinstance(command, MakeTransfer) and command.asset != "USD":
            held = self.rules.lots.get((command.credit, command.asset), 0)
            self.rules.lots[command.credit, command.asset] = held + command.amount
        self.accounts.note(command, events, self._time_us)
        self.rules.note(command, events)
        self.engine.take_changed()
        self.seen[outcome.code or "ok"] += 1
        for event in events:
            told = getattr(event, "execution", None)
            if told is not None:
                self.seen[str(told.event)] += 1
        self.commands += 1
        if self.commands % LOOK_EVERY == 0:
            self._look()

    def _look(self) -> None:
        self.engine.check_invariants()
        self.accounts.check_all()
        self.rules.check_resting(self._time_us)

    def _allowed(self, command: Command) -> set[Code]:
        """Return the codes that may answer a command."""
        if isinstance(command, CancelOrder):
            return {Code.OK}
        if not isinstance(command, PlaceOrder | PlaceSpecial | ReplaceOrder):
            return {Code.OK}
        if isinstance(command, ReplaceOrder):
            order = self.accounts.orders[command.order_id][1]
            symbol, side, clearance = order.instrument, order.side, self.rules.named.get(command.order_id, "")
        else:
            symbol, side = command.instrument, command.side
            clearance = command.clearance if isinstance(command, PlaceSpecial) else ""
        forbidden = self.rules.codes(command.user, symbol, side, self._time_us, clearance)
        if clearance and not isinstance(command, ReplaceOrder):
            given = self.rules.clearances.get(clearance)
            if given is not None and self._cleared_lots(clearance) + command.quantity > given.lots:
                forbidden.add(Code.CLEARANCE_INVALID)
        second = (self._time_us - MIDNIGHT_US) // SECOND_US
        if not OPEN_S <= second < CLOSE_S:
            forbidden.add(Code.NOT_OPEN)
        most = self.accounts.strictest(command.user, symbol, "open_orders_max")
        if not isinstance(command, ReplaceOrder) and most is not None and len(self.accounts.own(command.user)) >= most:
            forbidden.add(Code.TOO_MANY_OPEN_ORDERS)
        expected = self.accounts.expected(command, self._time_us)
        if expected is None:  # what a market order would pay, the book knows
            return forbidden or {Code.OK, Code.ORDER_VALUE, Code.POSITION_LIMIT, Code.INSUFFICIENT_CASH}
        if expected is not Code.OK:
            forbidden.add(expected)
        return forbidden or {Code.OK}

    def _cleared_lots(self, clearance: str) -> int:
        """Lots that a clearance's fills have used and its open orders may use."""
        resting = sum(
            told.remaining
            for order_id, (_, told) in self.accounts.orders.items()
            if self.rules.named.get(order_id) == clearance
        )
        return self.rules.cleared.get(clearance, 0) + resting


def main() -> None:
    """Run one day, and tell what was seen."""
    parser = argparse.ArgumentParser(prog="make market-day", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    day, began = MarketDay(options.users, options.orders, options.seed), time.monotonic()
    day.run()
    seconds = time.monotonic() - began
    lived_s = CLOSE_S - OPEN_S
    print(
        f"{options.users:,} users, {day.commands:,} commands, {lived_s / 3_600:g} hours in {seconds:.0f} s "
        f"({lived_s / seconds:.0f} times as fast). Every answer and every fill is as the oracles expect it:"
    )
    for what, count in day.seen.most_common():
        print(f"  {count:8,} {what}")


if __name__ == "__main__":
    main()

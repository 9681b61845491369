"""What is due at once and is more than one command may do: in parts, and nobody trades in between."""

from __future__ import annotations

from typing import Any

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Status, Terms
from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.types import Code, MarketState, Side, TimeInForce
from services.matching.rules.rule_book import RULES_MAX, RuleBook
from shared.logs.commands import CancelOrder, ListInstrument, ReplaceOrder, Tick
from shared.logs.events import Event, PrivateExecution
from shared.logs.market_commands import SetTerms
from shared.logs.mass_quote import MassQuote
from shared.logs.option_commands import Exercise
from shared.logs.rule_commands import RuleKind, RuleParameters, SetKill, SetRule
from shared.logs.session_commands import EndCall, ScheduledStep, SetSchedule
from tests.unit.services.matching.accounts.floor import Floor
from tests.unit.services.matching.flow import Desk, code, executions, outcome

SECOND_US = 1_000_000
MANY = 3_000


def follows(floor: Floor, symbol: str, calendar: str = "berlin") -> None:
    given = Terms(symbol, 0, 100, 0)._replace(calendar=calendar)._asdict()
    del given["instrument"], given["time"]
    assert code(floor.does(SetTerms, "root", symbol, *given.values())) is Code.OK


def exchange(instruments: int, steps: tuple[tuple[int, str], ...]) -> Floor:
    """A market whose instruments follow one calendar, all but OTHER."""
    floor = Floor()
    for user in ("ann", "bob"):
        floor.deposit(user, 1_000_000)
        floor.grant(user, 10_000)
    planned = tuple(ScheduledStep("2026-11-30", floor.time + second * SECOND_US, step) for second, step in steps)
    assert code(floor.does(SetSchedule, "root", "berlin", "2026.3", planned)) is Code.OK
    follows(floor, "ACME")
    for n in range(instruments - 1):
        floor.does(ListInstrument, Instrument(f"I{n}", price_max=1_000, quantity_max=100))
        follows(floor, f"I{n}")
    return floor


def told(events: list[Event]) -> int:
    return sum(isinstance(event, Status) for event in events)


def finish(desk: Desk) -> list[list[Event]]:
    """Let ticks come until nothing waits."""
    parts: list[list[Event]] = []
    while desk.engine.is_late or not parts:
        parts.append(desk.does(Tick))
        assert len(parts) < 1_000
    return parts


def test_a_step_of_many_instruments_is_taken_in_parts() -> None:
    floor = exchange(MANY, ((60, "continuous"), (600, "close")))
    floor.time += 60 * SECOND_US
    parts = finish(floor)
    assert sum(map(told, parts)) == MANY
    assert max(map(told, parts)) <= 500
    assert {market.state for market in floor.engine.instruments.values()} == {MarketState.OPEN}
    floor.engine.check_invariants()


def test_nothing_is_admitted_before_the_step_has_reached_all() -> None:
    """The last instrument is still open, though its market has closed; it does not trade any more."""
    floor = exchange(MANY, ((60, "continuous"), (600, "close")))
    floor.time += 60 * SECOND_US
    finish(floor)
    last = f"I{MANY - 2}"
    resting = outcome(floor.place("ann", Side.BID, 100, 1, instrument="ACME"))
    floor.bid("ann", 100, 5, instrument=last)
    floor.time += 540 * SECOND_US
    refused = floor.place("bob", Side.ASK, 100, 5, instrument=last)
    assert floor.engine.instruments[last].state is MarketState.OPEN, "not reached yet"
    assert (code(refused), [each.event for each in executions(refused, "bob")][-1:]) == (Code.BUSY, ["rejected"])
    assert floor.engine.is_late
    assert outcome(floor.does(CancelOrder, "ann", resting.order_id, "")).code is Code.OK, "who leaves may do so"
    finish(floor)
    assert floor.engine.instruments[last].state is MarketState.CLOSED
    assert floor.bid("ann", 100, 1, instrument=last).code is Code.NOT_OPEN


def late(orders: int = MANY) -> Floor:
    """A market in which as many orders have ended at moments of their own as one command does not see to."""
    floor = Floor()
    floor.deposit("ann", 1_000_000)
    floor.grant("bob", 10_000)
    for n in range(orders):
        if not n % 1_000:
            floor.deposit(f"u{n // 1_000}", 10_000_000)
        ends = floor.time + SECOND_US + n
        floor.special(f"u{n // 1_000}", Side.BID, 50, 1, time_in_force=TimeInForce.GTD, expires_at=ends)
    floor.time += 2 * SECOND_US
    return floor


def test_many_moments_at_once_are_seen_to_in_parts_and_each_at_its_time() -> None:
    floor = late()
    began = floor.time - SECOND_US
    parts = finish(floor)
    ended = [[event.execution for event in part if isinstance(event, PrivateExecution)] for part in parts]
    assert sum(map(len, ended)) == MANY
    assert max(map(len, ended)) <= 1_000
    assert [each.time for part in ended for each in part] == [began + n for n in range(MANY)]
    assert floor.engine.time == floor.time


def test_an_order_whose_time_is_over_never_trades_however_many_end_before_it() -> None:
    floor = late()
    before = len(floor.engine.instruments["ACME"].book.orders)
    refused = floor.ask("bob", 50, 100)
    assert (refused.code, refused.text) == (
        Code.BUSY,
        "instrument: ACME waits until all that is due has happened; send it again",
    )
    assert 0 < len(floor.engine.instruments["ACME"].book.orders) < before
    assert floor.engine.instruments["ACME"].statistics.volume == 0
    finish(floor)
    assert floor.ask("bob", 50, 100).code is Code.OK
    assert floor.engine.instruments["ACME"].statistics.volume == 0
    floor.engine.check_invariants()


def test_whatever_could_trade_waits_and_whatever_protects_does_not() -> None:
    floor = late(20_000)
    held = floor.engine.account("u19")
    order_id = next(iter(held.orders))
    pairs = (QuotedPair("ACME", 40, 1, 60, 1),)
    waits: list[tuple[Any, ...]] = [
        (ReplaceOrder, "u19", order_id, "", 51, 1),
        (MassQuote, "ann", "q1", pairs),
        (Exercise, "ann", "e1", "ACME", 1),
        (EndCall, "root", "ACME", 0, True),
    ]
    for kind, *fields in waits:
        assert code(floor.does(kind, *fields)) is Code.BUSY, kind
    special = floor.special("ann", Side.BID, 50, 1, expires_at=floor.time + SECOND_US, time_in_force=TimeInForce.GTD)
    assert code(special) is Code.BUSY
    assert code(floor.does(CancelOrder, "u19", order_id, "")) is Code.OK
    assert floor.engine.is_late


class CountedRules(RuleBook):
    """A rule book that counts how often somebody asks it whether a rule turns."""

    turns = 0

    def turn(self, rule_id: str, time_us: int) -> bool:
        self.turns += 1
        return super().turn(rule_id, time_us)


def test_rules_that_end_together_are_looked_at_in_one_pass() -> None:
    floor = Floor()
    ends = floor.time + SECOND_US
    for n in range(RULES_MAX):
        floor.does(SetRule, "root", f"r{n}", RuleKind.BLACKOUT, ("staff",), (), 0, ends, RuleParameters(), False)
    book = floor.engine.company.rule_book = CountedRules(floor.engine.company.rule_book.rows())
    floor.time = ends
    floor.does(Tick)
    assert not any(is_in_force for _, is_in_force in book.rows())
    assert book.turns == RULES_MAX
    assert not floor.engine.is_late


def crowd(users: int, orders: int) -> Floor:
    """Many users with orders of an instrument each, all of the group staff."""
    floor = Floor()
    floor.deposit("ann", 1_000_000)
    for n in range(users):
        floor.deposit(f"u{n}", 1_000_000)
        floor.join(f"u{n}", "staff")
        for price in range(1, 1 + orders):
            floor.bid(f"u{n}", price, 1)
    return floor


def test_a_kill_looks_at_many_orders_in_parts_and_none_trades_before_all_have_been_looked_at() -> None:
    floor = crowd(20, 800)
    floor.engine.chores.share = 4_000
    floor.grant("ann", 1_000)
    events = floor.does(SetKill, "root", "group", "staff", True, "rumour")
    assert outcome(events).cancelled == 2_400, "of those that one command looks at"
    assert floor.engine.is_late
    assert floor.ask("ann", 1, 10).code is Code.BUSY
    floor.engine.check_invariants()
    while floor.engine.is_late or floor.engine.sweeps:
        floor.does(Tick)
        floor.engine.check_invariants()
    assert not floor.engine.account("u19").orders
    floor.does(Tick)
    assert not floor.engine.is_late
    assert floor.ask("ann", 1, 10).code is Code.OK
    assert floor.engine.instruments["ACME"].statistics.volume == 0


def test_what_a_rule_ends_is_found_before_anybody_can_trade_with_it() -> None:
    """The last user's order is the only one that ends."""
    floor = crowd(10, 800)
    floor.engine.chores.share = 4_000
    floor.join("zoe", "staff")
    floor.grant("zoe", 100)
    floor.ask("zoe", 900, 50)
    share = RuleParameters(share_bp=1_000)
    floor.does(SetRule, "root", "r", RuleKind.SELL_SHARE, ("staff",), (), 0, 0, share, False)
    assert floor.engine.account("zoe").orders, "not looked at yet"
    assert floor.bid("ann", 900, 10).code is Code.BUSY
    finish(floor)
    assert not floor.engine.account("zoe").orders
    assert sum(len(floor.engine.account(f"u{n}").orders) for n in range(10)) == 8_000
    assert floor.bid("ann", 900, 10).code is Code.OK
    assert floor.engine.instruments["ACME"].statistics.volume == 0

"""A market with accounts and a day: schedules, terms, and time that passes by ticks or by itself."""

from __future__ import annotations

from typing import Any

from openoutcry.wire.messages import Execution, Status, Terms, Trade
from openoutcry.wire.types import Code, OrderKind, Side, TimeInForce
from shared.logs.commands import Tick
from shared.logs.events import Event, PrivateExecution
from shared.logs.market_commands import SetTerms
from shared.logs.session_commands import EndCall, ScheduledStep, SetSchedule
from tests.unit.services.matching.accounts.floor import Floor
from tests.unit.services.matching.flow import code

SECOND_US = 1_000_000
DAY = "2026-11-30"
NEXT_DAY = "2026-12-01"
STEPS = (
    (60, "open_call"),
    (120, "uncross"),
    (120, "continuous"),
    (600, "close_call"),
    (660, "uncross"),
    (700, "close"),
)
"""Seconds after the day began."""


class ExchangeDay(Floor):
    """Two traders with money and lots; ACME follows a calendar, from the first second of a day on."""

    def __init__(self, steps: tuple[tuple[int, str], ...] = STEPS, *, calendar: str = "berlin", **terms: Any) -> None:
        super().__init__()
        self.begun = self.time
        self.seen: list[Event] = []
        for user in ("ann", "bob", "cat"):
            self.deposit(user, 1_000_000)
            self.grant(user, 10_000)
        if calendar:
            planned = self.planned(steps)
            assert code(self.does(SetSchedule, "root", calendar, "2026.3", planned)) is Code.OK
        self.sets(calendar=calendar, **terms)

    def planned(
        self, steps: tuple[tuple[int, str], ...], day: str = DAY, after_s: int = 0
    ) -> tuple[ScheduledStep, ...]:
        return tuple(ScheduledStep(day, self.begun + (after_s + second) * SECOND_US, step) for second, step in steps)

    def sets(self, **terms: Any) -> None:
        given = {"reference": 100, "collar_bp": 0, **terms}
        fields = Terms("ACME", 0, 0, 0)._asdict() | given
        del fields["instrument"], fields["time"]
        assert code(self.does(SetTerms, "root", "ACME", *fields.values())) is Code.OK

    @property
    def acme(self) -> Any:
        return self.engine.instruments["ACME"]

    def at(self, second: float) -> list[Event]:
        """Have it become so late; a tick comes just then."""
        self.time = self.begun + int(second * SECOND_US)
        events = self.does(Tick)
        self.engine.check_invariants()
        return events

    def bids(self, user: str, price: int, quantity: int, **rules: Any) -> list[Event]:
        return self.orders(user, Side.BID, price, quantity, **rules)

    def asks(self, user: str, price: int, quantity: int, **rules: Any) -> list[Event]:
        return self.orders(user, Side.ASK, price, quantity, **rules)

    def orders(self, user: str, side: Side, price: int, quantity: int, **rules: Any) -> list[Event]:
        if not price:
            rules = {"kind": OrderKind.MARKET, "time_in_force": TimeInForce.AUCTION, **rules}
        events = self.place(user, side, price, quantity, **rules)
        self.engine.check_invariants()
        return events

    def ends(self, *, force: bool = False) -> list[Event]:
        return self.does(EndCall, "root", "ACME", 0, force)


def statuses(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.state.value, event.phase.value) for event in events if isinstance(event, Status)]


def trades(events: list[Event]) -> list[tuple[int, int]]:
    return [(event.price, event.quantity) for event in events if isinstance(event, Trade)]


def happened(events: list[Event], user: str) -> list[tuple[str, int, str]]:
    """Return event, lots that are left, and reason, of each execution."""
    found: list[Execution] = [
        event.execution for event in events if isinstance(event, PrivateExecution) and event.user == user
    ]
    return [(each.event.value, each.remaining, each.reason) for each in found]

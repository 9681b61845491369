"""Orders that end by themselves: at a moment, or with a day."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from openoutcry.wire.types import Code, ExecutionEvent, MarketState, Side, TimeInForce
from services.matching import floor
from services.matching.special_orders.special_rules import DAY_US, DAYS_MAX
from services.matching.timers import NEVER, TIMERS_MAX
from shared.logs.commands import CancelAll, CancelOrder, SetMarketState, Tick
from tests.unit.services.matching.accounts.floor import Floor
from tests.unit.services.matching.flow import Desk, code, executions, outcome
from tests.unit.services.matching.special_orders.test_stops import desk_again

BID, ASK = Side.BID, Side.ASK
GTD, DAY = TimeInForce.GTD, TimeInForce.DAY
EXPIRED = ExecutionEvent.EXPIRED
NOW = int(datetime(2026, 10, 23, 10, 0, tzinfo=UTC).timestamp()) * 1_000_000
SECOND = 1_000_000


def opened() -> Desk:
    desk = Desk()
    desk.time = NOW
    return desk


def at(desk: Desk, time_us: int) -> list[tuple[ExecutionEvent, Code, int]]:
    """What ann hears of a tick at that time."""
    desk.time = time_us
    return [(each.event, each.reason, each.time) for each in executions(desk.does(Tick), "ann")]


def test_an_order_ends_at_its_moment_exactly() -> None:
    """And not a microsecond before; what happens is of that time, whenever the command comes."""
    desk = opened()
    end = NOW + 5 * SECOND + 1
    [accepted] = executions(desk.special("ann", BID, 100, 5, time_in_force=GTD, expires_at=end), "ann")
    assert (accepted.time_in_force, accepted.expires_at) == ("gtd", end)
    assert at(desk, end - 1) == []
    assert at(desk, end + 700) == [(EXPIRED, Code.EXPIRED, end)]
    assert not desk.engine.instruments["ACME"].book.orders
    desk.engine.check_invariants()


def test_nothing_trades_with_an_order_whose_time_is_over() -> None:
    """Entered at 16:59:59.999, good till 17:00: a bid at 17:00:00.000 at the same price finds nothing."""
    desk = opened()
    end = NOW + 1000
    desk.special("ann", ASK, 100, 5, time_in_force=GTD, expires_at=end)
    desk.time = end
    events = desk.place("bob", BID, 100, 5)
    assert [each.event for each in executions(events, "ann")] == [EXPIRED]
    assert [each.event for each in executions(events, "bob")] == [ExecutionEvent.ACCEPTED]


def test_orders_of_one_moment_end_together_the_oldest_first() -> None:
    desk = opened()
    end = NOW + SECOND
    ids = [
        outcome(desk.special("ann", side, price, 1, time_in_force=GTD, expires_at=end, trigger=trigger)).order_id
        for side, price, trigger in ((BID, 90, 0), (BID, 120, 110), (ASK, 130, 0))
    ]
    assert len(desk.engine.timers) == 1
    desk.time = end
    assert [each.order_id for each in executions(desk.does(Tick), "ann")] == ids
    desk.engine.check_invariants()


def test_an_order_that_ends_otherwise_takes_its_timer_along() -> None:
    desk = opened()
    for _ in range(3):
        desk.special("ann", BID, 100, 5, time_in_force=GTD, expires_at=NOW + SECOND)
    desk.place("bob", ASK, 100, 5)
    desk.does(CancelOrder, "ann", 2, "")
    assert len(desk.engine.timers) == 1
    desk.does(CancelAll, "ann", None)
    assert len(desk.engine.timers) == 0
    assert at(desk, NOW + 2 * SECOND) == []
    assert desk.engine.timers.next_due == NEVER


@pytest.mark.parametrize("state", [MarketState.HALTED, MarketState.CLOSED])
def test_orders_end_while_the_instrument_is_not_open(state: MarketState) -> None:
    desk = opened()
    desk.special("ann", BID, 100, 5, time_in_force=GTD, expires_at=NOW + SECOND)
    desk.does(SetMarketState, "ACME", state, "")
    assert at(desk, NOW + SECOND) == [(EXPIRED, Code.EXPIRED, NOW + SECOND)]


@pytest.mark.parametrize("ahead", [0, -1, DAYS_MAX * DAY_US + 1])
def test_an_end_is_ahead_and_not_too_far(ahead: int) -> None:
    desk = opened()
    refused = outcome(desk.special("ann", BID, 100, 5, time_in_force=GTD, expires_at=NOW + ahead))
    assert refused.code is Code.BAD_REQUEST
    last = "2027-10-28T10:00:00Z"
    assert refused.text == f"expires_at: must be later than now, and at most 370 days ahead ({last})"
    assert code(desk.special("ann", BID, 100, 5, time_in_force=GTD, expires_at=NOW + DAYS_MAX * DAY_US)) is Code.OK


def test_without_sessions_a_day_ends_at_midnight_utc() -> None:
    """A market that trades around the clock has no close; its day is UTC's, and the order says when it ends."""
    desk = opened()
    midnight = NOW + 14 * 3600 * SECOND
    [day] = executions(desk.special("ann", BID, 100, 5, time_in_force=DAY), "ann")
    assert day.expires_at == midnight
    [dated] = executions(desk.special("ann", BID, 100, 5, time_in_force=GTD, expires_on="2026-10-24"), "ann")
    assert (dated.expires_at, dated.expires_on) == (midnight + DAY_US, "2026-10-24")
    assert at(desk, midnight - 1) == []
    assert at(desk, midnight) == [(EXPIRED, Code.EXPIRED, midnight)]
    assert at(desk, midnight + DAY_US) == [(EXPIRED, Code.EXPIRED, midnight + DAY_US)]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("2026-13-01", "must be a date such as 2026-10-23, not '2026-13-01'"),
        ("20261024", "must be a date such as 2026-10-23, not '20261024'"),
        ("2026-10-21", "must be today or later, and at most 370 days ahead (2027-10-28), not 2026-10-21"),
        ("2027-10-29", "must be today or later, and at most 370 days ahead (2027-10-28), not 2027-10-29"),
    ],
)
def test_a_date_is_one_and_not_past(given: str, text: str) -> None:
    desk = opened()
    refused = outcome(desk.special("ann", BID, 100, 5, time_in_force=GTD, expires_on=given))
    assert (refused.code, refused.text) == (Code.BAD_REQUEST, f"expires_on: {text}")


def with_sessions() -> Desk:
    desk = opened()
    desk.engine.instruments["ACME"].calendar = "berlin"
    return desk


def test_a_day_ends_when_its_instrument_closes() -> None:
    """Orders for the day, and those good till this day or an earlier one that was no trading day."""
    desk = with_sessions()
    market = desk.engine.instruments["ACME"]
    day = outcome(desk.special("ann", BID, 90, 1, time_in_force=DAY)).order_id
    for date in ("2026-10-23", "2026-10-24", "2026-10-26"):
        desk.special("ann", BID, 91, 1, time_in_force=GTD, expires_on=date)
    stop = outcome(desk.special("ann", BID, 91, 1, time_in_force=DAY, trigger=80)).order_id
    desk = desk_again(desk)
    market = desk.engine.instruments["ACME"]
    desk.engine.events = []
    assert desk.engine.waiting.expire_day_orders(market, "2026-10-23") == 3
    ended = executions(desk.engine.events, "ann")
    assert [each.order_id for each in ended] == [day, 2, stop]
    assert {each.event for each in ended} == {EXPIRED}
    assert desk.engine.waiting.expire_day_orders(market, "2026-10-26") == 2
    desk.engine.check_invariants()


def test_a_later_day_begins_without_the_orders_of_the_days_before() -> None:
    desk = with_sessions()
    market = desk.engine.instruments["ACME"]
    desk.special("ann", BID, 90, 1, time_in_force=DAY)
    desk.special("ann", BID, 90, 1, time_in_force=GTD, expires_on="2026-10-25")
    last = outcome(desk.special("ann", BID, 90, 1, time_in_force=GTD, expires_on="2026-10-26")).order_id
    assert desk.engine.waiting.expire_before(market, "2026-10-26") == 2
    assert list(desk.engine.account("ann").orders) == [last]


def test_there_is_room_for_so_many_moments() -> None:
    """Orders that end at a moment for which there is a timer always have room."""
    desk = opened()
    end = NOW + SECOND
    desk.special("ann", BID, 100, 1, time_in_force=GTD, expires_at=end)
    for n in range(TIMERS_MAX - 1):
        desk.engine.timers.set("other", str(n), NOW + DAY_US, 0)
    refused = outcome(desk.special("ann", BID, 100, 1, time_in_force=GTD, expires_at=end + 1))
    assert refused.code is Code.TOO_MANY_OPEN_ORDERS
    assert refused.text.startswith("expires_at: orders end at 50,000 different moments already")
    assert code(desk.special("ann", BID, 100, 1, time_in_force=GTD, expires_at=end)) is Code.OK


def test_many_that_end_at_once_end_over_several_commands() -> None:
    """SWEPT_MAX a command; the instrument is paused meanwhile, so that none of the others trades."""
    desk = Desk(open_orders_max=10_000)
    desk.time = NOW
    end = NOW + SECOND
    for n in range(floor.SWEPT_MAX + 10):
        desk.special("ann", BID, 1 + n % 900, 1, time_in_force=GTD, expires_at=end + n % 2, client_order_id=f"o{n}")
    assert len(at(desk, end + 5)) == floor.SWEPT_MAX
    assert desk.engine.instruments["ACME"].state is MarketState.HALTED
    assert len(at(desk, end + 6)) == 10
    assert desk.engine.instruments["ACME"].state is MarketState.OPEN
    desk.engine.check_invariants()


def test_what_an_order_reserves_is_free_when_it_expires() -> None:
    desk = Floor()
    desk.time = NOW
    desk.deposit("ann", 100)
    desk.special("ann", BID, 50, 10, time_in_force=DAY)
    assert desk.cash("ann") == (10_000, 500)
    desk.time = NOW + DAY_US
    desk.does(Tick)
    assert desk.cash("ann") == (10_000, 0)

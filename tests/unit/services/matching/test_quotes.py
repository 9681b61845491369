"""Mass quotes: pairs are taken whole or stay as they are, and what does not change keeps its place."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.types import Code, ExecutionEvent, OrderKind, Side, TimeInForce
from services.matching.quotes import open_quotes
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import CancelAll, ListInstrument, Present, SetCancelOnDisconnect, SetMarketState, Tick
from shared.logs.events import Event, PairsRefused
from shared.logs.market_commands import SetTerms
from shared.logs.mass_quote import MassQuote
from tests.unit.services.matching.accounts.floor import Floor
from tests.unit.services.matching.flow import Desk, code, executions, outcome

WITHDRAWN = (0, 0, 0, 0)


class Maker:
    """One market maker at a desk."""

    def __init__(self, desk: Desk, user: str = "max") -> None:
        self.desk, self.user, self.quotes = desk, user, 0

    def quote(self, *pairs: tuple[Any, ...], quote_id: str = "") -> list[Event]:
        self.quotes += 1
        made = tuple(QuotedPair._make(pair if len(pair) == 5 else ("ACME", *pair)) for pair in pairs)
        events = self.desk.does(MassQuote, self.user, quote_id or f"q{self.quotes}", made)
        self.desk.engine.check_invariants()
        return events

    def open(self) -> list[tuple[str, str, int, int, int]]:
        """Instrument, side, price, lots and order id of what is quoted."""
        orders = open_quotes(self.desk.engine.account(self.user))
        return [(each.instrument, str(each.side), each.price, each.remaining, each.order_id) for each in orders]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.does(ListInstrument, Instrument("OTHER"))
    return desk


@pytest.fixture
def maker(desk: Desk) -> Maker:
    return Maker(desk)


def refused(events: list[Event]) -> dict[int, str]:
    return {place: text for event in events if isinstance(event, PairsRefused) for place, text in event.refused}


def test_a_pair_rests_on_both_sides_as_orders_of_the_account(maker: Maker) -> None:
    events = maker.quote((99, 10, 101, 20))
    assert code(events) is Code.OK
    told = [
        (each.event, each.client_order_id, each.side, each.price, each.remaining) for each in executions(events, "max")
    ]
    assert told == [("accepted", "q1:0b", "bid", 99, 10), ("accepted", "q1:0a", "ask", 101, 20)]
    assert all(each.time_in_force is TimeInForce.QUOTE for each in executions(events, "max"))


def test_what_does_not_change_keeps_its_place_and_says_nothing(desk: Desk, maker: Maker) -> None:
    """A side that is the same, and one with fewer lots at its price; all else arrives anew."""
    maker.quote((99, 10, 101, 20))
    desk.place("bob", Side.BID, 99, 5)
    events = maker.quote((99, 10, 101, 5))
    assert [(each.event, each.remaining) for each in executions(events, "max")] == [("replaced", 5)]
    assert [row[4] for row in maker.open()] == [1, 2]
    sold = desk.place("sue", Side.ASK, 99, 1)
    assert [each.fill_quantity for each in executions(sold, "max")] == [1], "the bid has its place before bob's"
    maker.quote((99, 11, 101, 5))
    sold = desk.place("sue", Side.ASK, 99, 1)
    assert [each.user for each in sold if hasattr(each, "user")][-1] == "bob"


def test_a_quote_says_what_is_to_be_open_whatever_was_filled(desk: Desk, maker: Maker) -> None:
    maker.quote((99, 10, 101, 10))
    desk.place("sue", Side.ASK, 99, 4)
    assert executions(maker.quote((99, 6, 101, 10)), "max") == []
    events = maker.quote((99, 10, 101, 10))
    assert [(each.event, each.remaining) for each in executions(events, "max")] == [("cancelled", 0), ("accepted", 10)]


def test_nothing_offered_withdraws_a_side(maker: Maker) -> None:
    maker.quote((99, 10, 101, 10))
    maker.quote((0, 0, 101, 10))
    assert [row[1] for row in maker.open()] == ["ask"]
    events = maker.quote(WITHDRAWN)
    assert [(each.event, each.reason) for each in executions(events, "max")] == [("cancelled", Code.BY_USER)]
    assert executions(maker.quote(WITHDRAWN), "max") == []


def test_one_bad_pair_is_refused_alone_and_its_old_pair_stays(maker: Maker) -> None:
    maker.quote((99, 10, 101, 10))
    events = maker.quote(("ACME", 101, 5, 101, 5), ("OTHER", 50, 1, 51, 1), ("NONE", 1, 1, 2, 1))
    assert code(events) is Code.OK
    assert refused(events) == {
        0: "quote: the bid 101 is not below the ask 101",
        2: "instrument: there is no NONE",
    }
    assert maker.open() == [
        ("ACME", "bid", 99, 10, 1),
        ("ACME", "ask", 101, 10, 2),
        ("OTHER", "bid", 50, 1, 3),
        ("OTHER", "ask", 51, 1, 4),
    ]


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        ((99, 10, 1_001, 10), "ask: must be from 1 to 1000 ticks, not 1001"),
        ((0, 10, 101, 10), "bid: 10 lots need a price"),
        ((99, 101, 101, 10), "bid_quantity: must be from 1 to 100 lots, not 101"),
        ((99, 10, 101, -1), "ask_quantity: must be from 1 to 100 lots, not -1"),
        ((-5, 10, 101, 1), "bid: must be from 1 to 1000 ticks, not -5"),
    ],
)
def test_the_side_that_is_wrong_is_named(maker: Maker, pair: tuple[int, ...], text: str) -> None:
    events = maker.quote(pair)
    assert refused(events) == {0: text}
    assert outcome(events).text == text, "where nothing was taken, the first pair's reason is the quote's"
    assert maker.open() == []
    assert code(maker.quote((99, 1, 101, 1), quote_id="q1")) is Code.OK, "a refused quote uses no id up"


def test_a_quote_id_counts_once(desk: Desk, maker: Maker) -> None:
    maker.quote((99, 10, 101, 10), quote_id="x")
    again = maker.quote((99, 10, 101, 10), quote_id="x")
    assert (outcome(again).code, outcome(again).text) == (Code.DUPLICATE_ORDER, "quote_id: x has been used before")
    assert executions(again, "max") == []
    assert code(desk.place("max", Side.BID, 90, 1, client_order_id="x")) is Code.DUPLICATE_ORDER
    desk.place("max", Side.BID, 90, 1, client_order_id="y")
    assert code(maker.quote((99, 10, 101, 10), quote_id="y")) is Code.DUPLICATE_ORDER


def test_a_name_of_an_open_order_is_not_given_twice(desk: Desk, maker: Maker) -> None:
    desk.place("max", Side.BID, 90, 1, client_order_id="z:0a")
    events = maker.quote((99, 10, 101, 10), quote_id="z")
    assert refused(events) == {0: "quote_id: z:0a has been used before"}


def test_a_quote_names_an_instrument_once(maker: Maker) -> None:
    events = maker.quote(("ACME", 1, 1, 2, 1), ("OTHER", 1, 1, 2, 1), ("ACME", 1, 1, 2, 1))
    assert outcome(events).text == "pairs.2.instrument: ACME stands twice"
    assert maker.open() == []


def test_own_resting_orders_give_way(desk: Desk, maker: Maker) -> None:
    """Under the rule `cancel_oldest`; and of the pair itself, the new bid may pass the old ask."""
    desk.place("max", Side.ASK, 98, 3)
    desk.place("sue", Side.ASK, 98, 2)
    events = maker.quote((99, 10, 101, 10))
    told = [(each.event, each.order_id, each.remaining) for each in executions(events, "max")]
    assert told == [("accepted", 3, 10), ("cancelled", 1, 0), ("filled", 3, 8), ("accepted", 4, 10)]
    maker.quote((103, 5, 105, 5))
    assert [row[1:4] for row in maker.open()] == [("bid", 103, 5), ("ask", 105, 5)]


def test_all_sides_together_meet_as_many_orders_as_one_command_may() -> None:
    desk = Desk(orders_met_max=3)
    desk.does(ListInstrument, Instrument("OTHER"))
    for symbol in ("ACME", "OTHER"):
        for price in (100, 101):
            desk.place("sue", Side.ASK, price, 1, instrument=symbol)
    events = Maker(desk).quote(("ACME", 101, 2, 0, 0), ("OTHER", 101, 2, 0, 0))
    ends = [(each.event, each.instrument, each.reason) for each in executions(events, "max")][-1]
    assert ends == ("cancelled", "OTHER", Code.TOO_MANY_MET)
    assert sum(each.event is ExecutionEvent.FILLED for each in executions(events, "max")) == 3


def test_while_halted_a_side_may_be_withdrawn_and_none_may_come(desk: Desk, maker: Maker) -> None:
    maker.quote((99, 10, 101, 10))
    desk.does(SetMarketState, "ACME", "halted", "")
    assert refused(maker.quote((98, 10, 101, 10))) == {0: "instrument: ACME is halted"}
    assert code(maker.quote((0, 0, 101, 10))) is Code.OK
    assert [row[1] for row in maker.open()] == ["ask"]


def test_quotes_end_with_absence_and_other_orders_stay(desk: Desk, maker: Maker) -> None:
    """Whatever cancel-on-disconnect says: it is off here."""
    desk.place("max", Side.BID, 90, 1)
    maker.quote((99, 10, 101, 10))
    for _ in range(11):
        desk.does(Tick)
        desk.does(Present, ("max",))
    for _ in range(11):
        assert len(maker.open()) == 2
        desk.does(Tick)
    events = desk.does(Tick)
    assert [each.reason for each in executions(events, "max")] == [Code.DISCONNECTED] * 2
    assert len(desk.engine.account("max").orders) == 1
    desk.engine.check_invariants()


def test_switching_cancel_on_disconnect_off_still_times_who_quotes(desk: Desk, maker: Maker) -> None:
    maker.quote((99, 10, 101, 10))
    desk.does(SetCancelOnDisconnect, "max", True)
    desk.does(SetCancelOnDisconnect, "max", False)
    for _ in range(12):
        desk.does(Tick)
    assert maker.open() == []


def test_an_order_of_its_own_cannot_be_a_quote(desk: Desk) -> None:
    refusal = outcome(desk.place("max", Side.BID, 99, 1, time_in_force=TimeInForce.QUOTE))
    assert (refusal.code, refusal.text) == (Code.BAD_REQUEST, "time_in_force: quote is that of quotes alone")


def test_cancel_all_and_cancel_end_a_quote_like_any_order(desk: Desk, maker: Maker) -> None:
    maker.quote((99, 10, 101, 10))
    assert outcome(desk.does(CancelAll, "max", None)).cancelled == 2
    maker.quote((99, 10, 101, 10))
    assert len(maker.open()) == 2


def test_open_orders_are_counted_for_the_whole_pair() -> None:
    desk = Desk(open_orders_max=3)
    maker = Maker(desk)
    desk.place("max", Side.BID, 90, 1)
    desk.place("max", Side.BID, 91, 1)
    events = maker.quote((99, 1, 101, 1))
    assert (outcome(events).code, outcome(events).text) == (Code.TOO_MANY_OPEN_ORDERS, "a user may have 3 open orders")
    assert code(maker.quote((99, 1, 0, 0))) is Code.OK
    assert code(maker.quote((0, 0, 101, 1))) is Code.OK, "one comes for one that goes"
    assert code(maker.quote((0, 0, 102, 1))) is Code.OK


# With accounts.


@pytest.fixture
def floor() -> Floor:
    floor = Floor()
    floor.deposit("max", 10)
    floor.grant("max", 10)
    return floor


def test_old_and_new_are_never_both_reserved(floor: Floor) -> None:
    """10.00 USD and 10 lots are all there is, and all of it is quoted."""
    maker = Maker(floor)
    assert code(maker.quote((100, 10, 110, 10))) is Code.OK
    assert floor.cash("max") == (1_000, 1_000)
    assert code(maker.quote((99, 10, 111, 10))) is Code.OK
    assert floor.cash("max") == (1_000, 990)
    events = maker.quote((101, 10, 112, 10))
    assert refused(events) == {0: "bid_quantity: needs 10.10 USD, 10.00 are free"}
    assert [row[1:4] for row in maker.open()] == [("bid", 99, 10), ("ask", 111, 10)]
    events = maker.quote((98, 10, 111, 11))
    assert refused(events) == {0: "ask_quantity: needs 11 lots, 10 are free"}
    assert [row[1:4] for row in maker.open()] == [("bid", 99, 10), ("ask", 111, 10)]


def test_a_quote_is_one_message_whatever_its_sides(floor: Floor) -> None:
    floor.limit("max", messages_per_second=2)
    floor.time += 10_000_000
    maker = Maker(floor)
    pairs = [("ACME", 50, 1, 200, 1), ("OTHER", 50, 1, 200, 0)]
    assert code(maker.quote(*pairs)) is Code.OK
    assert code(maker.quote(("ACME", 51, 1, 200, 1))) is Code.OK
    third = maker.quote(("ACME", 52, 1, 200, 1))
    assert (outcome(third).code, refused(third)) == (Code.RATE_LIMITED, {})
    assert code(maker.quote(("ACME", *WITHDRAWN))) is Code.OK, "what only withdraws is free"


def test_limits_of_open_orders_count_the_pair(floor: Floor) -> None:
    floor.limit("max", instrument="ACME", open_orders_max=1)
    maker = Maker(floor)
    events = maker.quote((50, 1, 200, 1))
    assert outcome(events).text == "you may have 1 open orders of ACME"
    assert code(maker.quote((50, 1, 0, 0))) is Code.OK
    assert code(maker.quote((0, 0, 200, 1))) is Code.OK


def test_a_quote_obeys_the_tick_table(floor: Floor) -> None:
    floor.does(SetTerms, "root", "ACME", 0, 0, ((1, 1), (100, 5)))
    events = Maker(floor).quote((99, 1, 102, 1))
    assert refused(events) == {0: "ask: from 100 ticks on, prices are multiples of 5, not 102"}


def test_a_checkpoint_keeps_quotes(floor: Floor) -> None:
    maker = Maker(floor)
    maker.quote((50, 1, 200, 2))
    floor.engine.take_changed()
    before = maker.open()
    floor.engine = decode_checkpoint(encode_checkpoint(Checkpoint(floor.engine, 1, "store"))).engine
    assert maker.open() == before
    assert executions(maker.quote((50, 1, 200, 2)), "max") == []
    assert OrderKind.LIMIT is open_quotes(floor.engine.account("max"))[0].kind

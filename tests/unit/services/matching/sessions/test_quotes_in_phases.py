"""Quotes through the day: they may stand in a call, and end when the instrument closes."""

from __future__ import annotations

from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.types import Code, Side
from services.matching.quotes import open_quotes
from shared.logs.events import PairsRefused
from shared.logs.mass_quote import MassQuote
from tests.unit.services.matching.flow import code, executions
from tests.unit.services.matching.sessions.exchange_day import ExchangeDay, trades


def test_quotes_end_at_the_close_and_other_orders_stay() -> None:
    day = ExchangeDay()
    day.at(120)
    day.does(MassQuote, "ann", "q1", (QuotedPair("ACME", 99, 10, 101, 10),))
    day.bids("ann", 90, 1)
    day.at(650)
    assert len(open_quotes(day.engine.account("ann"))) == 2
    ends = executions(day.at(700), "ann")
    assert [(each.remaining, each.reason) for each in ends] == [(0, Code.EXPIRED)] * 2
    assert [order.price for order in day.engine.account("ann").orders.values()] == [90]
    closed = day.does(MassQuote, "ann", "q2", (QuotedPair("ACME", 99, 10, 101, 10),))
    assert code(closed) is Code.NOT_OPEN


def test_in_a_call_a_quote_waits_and_its_own_orders_give_way() -> None:
    """So no auction can pair two orders of one user."""
    day = ExchangeDay()
    day.at(60)
    day.asks("ann", 98, 5)
    events = day.does(MassQuote, "ann", "q1", (QuotedPair("ACME", 99, 10, 101, 10),))
    assert [(each.event, each.side, each.reason) for each in executions(events, "ann")] == [
        ("accepted", Side.BID, Code.OK),
        ("cancelled", Side.ASK, Code.SELF_TRADE),
        ("accepted", Side.ASK, Code.OK),
    ]
    day.engine.check_invariants()
    day.asks("bob", 97, 4)
    assert trades(day.at(120)) == [(99, 4)]
    assert [(each.side, each.remaining) for each in open_quotes(day.engine.account("ann"))] == [
        (Side.BID, 6),
        (Side.ASK, 10),
    ]
    assert not [event for event in day.seen if isinstance(event, PairsRefused)]

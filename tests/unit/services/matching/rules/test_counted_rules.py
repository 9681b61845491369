"""Holding periods, short swings and shares of what has vested: what users may do follows from what they did."""

from __future__ import annotations

import pytest

from openoutcry.wire.types import Code, Side, TransferKind
from services.matching.rules.last_trades import held_until
from shared.logs.mass_quote import MassQuote, QuotedPair
from tests.unit.services.matching.flow import executions
from tests.unit.services.matching.rules.ruled_floor import DAY_US, RuledFloor, at, ends


@pytest.fixture
def floor() -> RuledFloor:
    return RuledFloor()


def trade(floor: RuledFloor, buyer: str, seller: str, lots: int) -> None:
    assert floor.ask(seller, 100, lots).code is Code.OK
    floor.time += 1_000_000
    assert floor.bid(buyer, 100, lots).code is Code.OK


# Holding periods.


def test_bought_lots_are_held_and_those_before_are_not(floor: RuledFloor) -> None:
    floor.transfer(TransferKind.FORFEIT, "ACME", "ann", "~issuer", 960)
    floor.rule("hold", "holding_period", ("finance",), ("ACME",), days=55)
    trade(floor, "ann", "bob", 60)
    text = "quantity: 60 of your 100 lots are held until 2027-01-15 at least, 40 may be sold"
    assert floor.refused("ann", Side.ASK, 110, 60) == f"holding_period {text}"
    assert [each.rule_id for each in floor.blamed] == ["hold"]
    assert floor.ask("ann", 110, 40).code is Code.OK
    floor.time = at("2027-01-14T23:59:59.999999")
    assert floor.refused("ann", Side.ASK, 110, 60).endswith("are held until 2027-01-15 at least, 0 may be sold")
    floor.time = at("2027-01-15")
    assert floor.ask("ann", 110, 60).code is Code.OK


def test_more_than_one_has_is_no_matter_of_the_holding_period(floor: RuledFloor) -> None:
    floor.rule("hold", "holding_period", ("finance",), ("ACME",), days=55)
    trade(floor, "ann", "bob", 60)
    assert floor.holding("ann").lots == 1_060
    for _ in range(10):
        floor.ask("ann", 110, 100)
    assert floor.refused("ann", Side.ASK, 110, 61).startswith("insufficient_holdings")
    assert floor.refused("ann", Side.ASK, 110, 60).startswith("holding_period")


def test_what_was_held_stays_held_when_the_rule_goes(floor: RuledFloor) -> None:
    floor.rule("hold", "holding_period", ("finance",), ("ACME",), days=55)
    trade(floor, "ann", "bob", 60)
    floor.rule("hold", "")
    assert floor.account("ann").holdings["ACME"].held_back(floor.time) == 60
    trade(floor, "ann", "bob", 10)
    assert floor.account("ann").holdings["ACME"].held_back(floor.time) == 60


def test_lots_of_one_day_are_one_part(floor: RuledFloor) -> None:
    floor.rule("hold", "holding_period", (), (), days=366)
    for _ in range(5):
        trade(floor, "ann", "bob", 2)
    assert len(floor.holding("ann").restricted) == 1
    floor.time += DAY_US
    trade(floor, "ann", "bob", 2)
    assert len(floor.holding("ann").restricted) == 2
    assert not floor.holding("bob").restricted


@pytest.mark.parametrize(
    ("bought", "until"),
    [
        ("2026-11-20T10:00:00", "2026-11-22T00:00:00"),
        ("2026-11-20T00:00:00", "2026-11-21T00:00:00"),
        ("2026-11-20T23:59:59.999999", "2026-11-22T00:00:00"),
    ],
)
def test_a_day_is_24_hours_rounded_up_to_midnight(bought: str, until: str) -> None:
    assert held_until(at(bought), 1) == at(until)


def test_lots_that_cover_a_short_sale_are_not_held(floor: RuledFloor) -> None:
    floor.limit(user="ann", may_short=50)
    floor.transfer(TransferKind.FORFEIT, "ACME", "ann", "~issuer", 1_000)
    floor.rule("hold", "holding_period", (), (), days=5)
    trade(floor, "bob", "ann", 10)
    trade(floor, "ann", "dan", 12)
    assert [lots for _, _, lots in floor.holding("ann").restricted] == [2]


# Short swings.


def test_who_sold_may_not_buy_for_184_days() -> None:
    floor = RuledFloor("2026-10-02T09:00:00")
    floor.rule("swing", "short_swing", ("finance",), ("ACME",), days=184)
    trade(floor, "bob", "ann", 5)
    floor.time = at("2026-12-01T09:00:00")
    text = "side: you sold ACME on 2026-10-02, and may buy from 2027-04-04 on"
    assert floor.refused("ann") == f"short_swing {text}"
    assert floor.ask("ann", 110, 5).code is Code.OK
    assert floor.bid("bob", 90, 1).code is Code.OK
    floor.reopened()
    floor.time = at("2027-04-03T23:59:59.999999")
    assert floor.refused("ann") == f"short_swing {text}"
    floor.time = at("2027-04-04")
    assert floor.bid("ann", 90, 1).code is Code.OK


def test_who_bought_may_not_sell() -> None:
    floor = RuledFloor("2026-10-02T09:00:00")
    floor.rule("swing", "short_swing", ("finance",), ("ACME",), days=184)
    trade(floor, "ann", "bob", 5)
    text = "short_swing side: you bought ACME on 2026-10-02, and may sell from 2027-04-04 on"
    assert floor.refused("ann", Side.ASK, 110) == text
    assert [each.rule_id for each in floor.blamed] == ["swing"]
    floor.rule("swing", "short_swing", ("finance",), ("ACME",), days=184, discreet=True)
    assert floor.refused("ann", Side.ASK, 110).startswith("restricted instrument: ACME cannot be traded by you")
    assert [each.rule_id for each in floor.blamed] == ["swing"]


def test_a_fill_ends_the_users_own_orders_on_the_other_side(floor: RuledFloor) -> None:
    """Else the next command might fill what the rule forbids."""
    floor.rule("swing", "short_swing", ("finance",), ("ACME",), days=184)
    ask, kept = floor.ask("ann", 110, 5).order_id, floor.bid("ann", 95, 5).order_id
    floor.bid("ann", 100, 5)
    other = floor.ask("ann", 110, 5, instrument="OTHER").order_id
    hit = floor.place("bob", Side.ASK, 100, 1)
    assert ends(hit, "ann") == [(ask, "short_swing")]
    assert [each.event for each in executions(hit, "ann")] == ["filled", "cancelled"]
    assert set(floor.account("ann").orders) >= {kept, other}
    assert floor.bid("bob", 110, 5).code is Code.OK
    assert floor.account("bob").orders


def test_only_who_is_under_the_rule_is_remembered(floor: RuledFloor) -> None:
    floor.rule("swing", "short_swing", ("finance",), ("ACME",), days=184)
    trade(floor, "bob", "dan", 5)
    assert len(floor.engine.company.last_trades) == 0
    trade(floor, "ann", "dan", 5)
    trade(floor, "ann", "dan", 5)
    assert len(floor.engine.company.last_trades) == 1


# Shares of what has vested.


def test_in_one_window_a_share_of_what_had_vested_is_sold(floor: RuledFloor) -> None:
    floor.grant("ann", 1_000, available_from=floor.time + 300 * DAY_US)
    begins, over = floor.time, floor.time + 5 * DAY_US
    floor.rule("share", "sell_share", ("finance",), ("ACME",), begins, over, share_bp=1_000)
    text = "sell_share quantity: you may sell 100 lots (10 % of what had vested), 40 are left, not 41 (rule share)"
    assert floor.ask("ann", 100, 60).code is Code.OK
    assert floor.refused("ann", Side.ASK, 100, 41) == text
    order = floor.ask("ann", 100, 40).order_id
    assert floor.bid("bob", 100, 80).code is Code.OK
    assert floor.refused("ann", Side.ASK, 100, 1).endswith("0 are left, not 1 (rule share)")
    floor.reopened()
    assert floor.replace("ann", order, 101, 30).code is Code.OK
    assert floor.ask("ann", 100, 10).code is Code.OK
    floor.cancel_all("ann")
    assert floor.refused("ann", Side.ASK, 100, 21).endswith("20 are left, not 21 (rule share)")
    assert floor.bid("ann", 90, 1).code is Code.OK
    floor.time = over
    assert floor.ask("ann", 100, 100).code is Code.OK
    assert len(floor.engine.company.sold_shares) == 0


def test_what_rests_when_it_begins_counts_and_what_is_too_much_ends(floor: RuledFloor) -> None:
    orders = [floor.ask("ann", 100, 40).order_id for _ in range(3)]
    began = floor.rule("share", "sell_share", ("finance",), ("ACME",), 0, floor.time + DAY_US, share_bp=1_000)
    assert ends(began, "ann") == [(orders[2], "sell_share")]
    assert floor.refused("ann", Side.ASK, 100, 21).endswith("20 are left, not 21 (rule share)")


def test_a_refused_ask_is_no_first_ask(floor: RuledFloor) -> None:
    floor.limit(order_quantity_max=5)
    floor.rule("share", "sell_share", ("finance",), ("ACME",), 0, floor.time + DAY_US, share_bp=1_000)
    assert floor.refused("ann", Side.ASK, 100, 6).startswith("quantity_out_of_range")
    assert len(floor.engine.company.sold_shares) == 0


def test_a_quote_whose_one_side_trades_has_no_other_side() -> None:
    """Both sides are asked for before the first arrives; what it trades may forbid the second."""
    floor = RuledFloor()
    floor.rule("swing", "short_swing", ("finance",), ("ACME",), days=184)
    floor.ask("bob", 100, 5)
    quoted = floor.does(MassQuote, "ann", "q1", (QuotedPair("ACME", 100, 5, 110, 5),))
    assert [str(each.event) for each in executions(quoted, "ann")] == ["accepted", "filled", "accepted", "cancelled"]
    assert [reason for _, reason in ends(quoted, "ann")] == ["short_swing"]
    assert not floor.account("ann").orders

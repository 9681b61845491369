"""What an order needs is reserved at entry, exact to the lot and millionth, and released with it."""

from __future__ import annotations

import pytest

from openoutcry.wire.types import BANK, ISSUER, Code, OrderKind, SelfTradePrevention, Side, TimeInForce, TransferKind
from shared.logs.commands import PlaceOrder
from shared.logs.market_commands import BeginAccounts
from tests.unit.services.matching.accounts.floor import DOLLAR, Floor
from tests.unit.services.matching.flow import Desk, code, executions, outcome


def floor_of(**dollars: int) -> Floor:
    floor = Floor()
    for user, amount in dollars.items():
        floor.deposit(user, amount)
    return floor


def test_a_bid_reserves_its_money_and_an_ask_its_lots() -> None:
    floor = floor_of(bob=10)
    floor.grant("ann", 8)
    floor.bid("bob", 100, 4)
    floor.ask("ann", 120, 5)
    assert floor.cash("bob") == (1000, 400)
    assert (floor.holding("ann").lots, floor.holding("ann").reserved) == (8, 5)
    assert floor.holding("bob").buying == 4


def test_what_is_not_there_is_named_with_what_is() -> None:
    """Field, need, what is free, and what open orders hold back."""
    floor = floor_of(bob=14)
    floor.bid("bob", 100, 4)
    refused = floor.bid("bob", 100, 12)
    assert refused.code is Code.INSUFFICIENT_CASH
    assert refused.text == "quantity: needs 12.00 USD, 10.00 are free (4.00 reserved by open orders)"
    floor.grant("ann", 100)
    floor.ask("ann", 100, 40, post_only=False, time_in_force=TimeInForce.GTC)
    floor.cancel_all("bob")
    assert floor.cash("bob") == (1000, 0)
    refused = floor.ask("ann", 101, 100)
    assert refused.code is Code.INSUFFICIENT_HOLDINGS
    assert refused.text == "quantity: needs 100 lots, 60 are free (36 reserved by open orders)"


def test_a_fill_below_the_limit_gives_the_difference_back() -> None:
    floor = floor_of(bob=10)
    floor.grant("ann", 5)
    floor.bid("bob", 110, 5)
    assert floor.cash("bob") == (1000, 550)
    floor.ask("ann", 100, 2)  # meets the bid at its own price
    assert floor.cash("bob") == (780, 330)
    floor.cancel("bob", 1)
    floor.ask("ann", 100, 3)
    floor.bid("bob", 120, 3)  # an arriving bid pays the resting price
    assert floor.cash("bob") == (480, 0)
    assert floor.cash("ann") == (520, 0)
    assert floor.holding("bob").lots == 5
    assert "ACME" not in floor.account("ann").holdings


@pytest.mark.parametrize("prevention", SelfTradePrevention)
def test_an_end_by_self_trade_prevention_releases_what_remained(prevention: SelfTradePrevention) -> None:
    floor = floor_of(ann=10)
    floor.grant("ann", 5)
    floor.ask("ann", 100, 3)
    floor.bid("ann", 100, 2, self_trade_prevention=prevention)
    kept = sum(order.side is Side.ASK for order in floor.account("ann").orders.values())
    assert floor.holding("ann").reserved == 3 * kept
    floor.cancel_all("ann")
    assert floor.cash("ann") == (1000, 0)
    assert floor.holding("ann").reserved == 0


def test_fill_or_kill_and_own_orders() -> None:
    """Case 1: self-trade prevention frees nothing on the same side, and what cannot be filled leaves all as it was."""
    floor = Floor()
    floor.grant("u-417", 100)
    floor.ask("u-417", 110, 40)
    refused = floor.ask("u-417", 100, 100, time_in_force=TimeInForce.FOK)
    assert refused.code is Code.INSUFFICIENT_HOLDINGS
    assert "60 are free" in refused.text
    floor.deposit("u-417", 1_000)
    passing = {"time_in_force": TimeInForce.FOK, "self_trade_prevention": SelfTradePrevention.CANCEL_OLDEST}
    ended = floor.place("u-417", Side.BID, 120, 100, **passing)
    assert executions(ended, "u-417")[-1].reason is Code.NOT_FILLABLE
    assert len(floor.account("u-417").orders) == 1
    assert floor.cash("u-417") == (100_000, 0)


def test_a_replacement_asks_for_the_difference_alone() -> None:
    """Case 2: refused, the order keeps price, quantity and its place."""
    floor = Floor()
    floor.deposit("bob", 200)
    floor.grant("ann", 60)
    floor.bid("bob", 100, 100)
    floor.deposit("cat", 100)
    floor.bid("cat", 100, 10)
    floor.ask("ann", 100, 60)
    floor.transfer(TransferKind.WITHDRAWAL, "USD", "bob", BANK, 85 * DOLLAR)
    assert floor.cash("bob") == (5_500, 4_000)
    refused = floor.replace("bob", 1, None, 100 + 16)
    assert refused.code is Code.QUANTITY_OUT_OF_RANGE  # ACME's orders have at most 100 lots
    refused = floor.replace("bob", 1, 140, None)
    assert refused.code is Code.INSUFFICIENT_CASH
    assert refused.text == "quantity: needs 56.00 USD, 55.00 are free"
    order = floor.account("bob").orders[1]
    assert (order.price, order.quantity, order.remaining) == (100, 100, 40)
    assert next(iter(floor.engine.instruments["ACME"].book.bids.levels[100])).user == "bob"
    assert floor.replace("bob", 1, 130, None).code is Code.OK
    assert floor.cash("bob") == (5_500, 5_200)


def test_a_replacement_that_trades_keeps_the_sums() -> None:
    floor = Floor()
    floor.deposit("bob", 100)
    floor.grant("ann", 10)
    floor.ask("ann", 105, 4)
    floor.bid("bob", 100, 10)
    assert floor.replace("bob", 2, 105, 8).code is Code.OK
    assert floor.cash("bob") == (10_000 - 420, 420)
    assert floor.holding("bob").buying == 4
    assert floor.replace("bob", 2, None, 4).code is Code.OK  # no more than what is filled: it ends
    assert floor.cash("bob") == (9_580, 0)


def test_a_post_only_order_that_would_trade_reserves_nothing() -> None:
    floor = floor_of(bob=10)
    floor.grant("ann", 5)
    floor.ask("ann", 100, 5)
    assert floor.bid("bob", 100, 5, post_only=True).code is Code.WOULD_TRADE
    assert floor.cash("bob") == (1000, 0)
    resting = floor.bid("bob", 90, 5, post_only=True).order_id
    assert floor.replace("bob", resting, 100, None).code is Code.WOULD_TRADE
    assert floor.cash("bob") == (1000, 450)


def test_a_market_bid_needs_what_it_would_pay_now_all_of_it() -> None:
    """Own orders are passed over as the book would pass over them."""
    floor = Floor()
    floor.deposit("bob", 10)
    for user in ("ann", "bob"):
        floor.grant(user, 50)
    floor.ask("ann", 100, 5)
    floor.ask("bob", 101, 50)
    floor.ask("ann", 104, 5)
    market = {"kind": OrderKind.MARKET, "time_in_force": TimeInForce.IOC}
    passes = {**market, "self_trade_prevention": SelfTradePrevention.CANCEL_OLDEST}
    refused = floor.bid("bob", 0, 10, **passes)
    assert refused.text == "quantity: needs 10.20 USD, 10.00 are free"
    assert floor.bid("bob", 0, 9, **market).code is Code.OK  # its own ask ends it after 5
    assert floor.cash("bob") == (500, 0)
    assert floor.bid("bob", 0, 4, **passes).code is Code.OK
    assert floor.cash("bob") == (84, 0)
    assert floor.bid("nobody", 0, 1, **market).code is Code.INSUFFICIENT_CASH


def test_cost_is_a_total_and_never_an_average() -> None:
    """Case 7: three lots for 10.000000, sold one by one."""
    floor = Floor()
    floor.deposit("bob", 100)
    floor.grant("ann", 3)
    account = floor.account("bob")
    floor.ask("ann", 100, 3)
    floor.bid("bob", 100, 3)
    floor.holding("bob").cost = 10_000_000
    floor.deposit("cat", 100)
    taken = []
    for _ in range(3):
        before = account.holdings["ACME"].cost
        floor.ask("bob", 100, 1)
        floor.bid("cat", 100, 1)
        after = account.holdings["ACME"].cost if "ACME" in account.holdings else 0
        taken.append(before - after)
    assert taken == [3_333_333, 3_333_333, 3_333_334]
    assert account.purse("USD").result == 3_000_000 - 10_000_000


def test_lots_become_free_by_themselves() -> None:
    """Case 9: no command is needed, and what was refused before stays refused."""
    floor = Floor()
    noon = floor.time + 60_000_000
    floor.grant("ann", 60, available_from=noon)
    floor.grant("ann", 40)
    assert floor.ask("ann", 100, 40).code is Code.OK
    floor.time = noon - 1
    refused = floor.ask("ann", 100, 60)
    assert refused.code is Code.INSUFFICIENT_HOLDINGS
    assert refused.text == (
        "quantity: needs 60 lots, 0 are free (40 reserved by open orders, "
        "60 cannot be sold before 1970-01-01T00:02:00Z at the latest)"
    )
    floor.time = noon
    assert floor.ask("ann", 100, 60).code is Code.OK
    assert floor.holding("ann").reserved == 100


def test_short_sales_need_permission_and_are_bought_back() -> None:
    floor = Floor()
    floor.deposit("bob", 100)
    floor.limit(user="ann", instrument="ACME", may_short=5)
    refused = floor.ask("ann", 100, 6)
    assert refused.text == "quantity: needs 6 lots, 5 are free"
    assert floor.ask("ann", 100, 5).code is Code.OK
    floor.bid("bob", 100, 5)
    assert (floor.holding("ann").lots, floor.holding("ann").cost) == (-5, -5 * DOLLAR)
    floor.ask("bob", 80, 5)
    floor.bid("ann", 80, 5)
    assert "ACME" not in floor.account("ann").holdings
    assert floor.account("ann").purse("USD").result == DOLLAR
    assert floor.account("bob").purse("USD").result == -DOLLAR


def test_money_for_a_sale_is_there_at_once() -> None:
    floor = Floor()
    floor.deposit("bob", 5)
    floor.grant("ann", 5)
    floor.bid("bob", 100, 5)
    floor.ask("ann", 100, 5)
    assert floor.bid("ann", 100, 5).code is Code.OK
    assert floor.cash("ann") == (500, 500)


def test_accounts_begin_before_anybody_is_known() -> None:
    """Later, what was sold before would have to come from somewhere."""
    desk = Desk()
    desk.place("ann", Side.ASK, 100, 1)
    refused = outcome(desk.does(BeginAccounts, "root"))
    assert refused.code is Code.BAD_REQUEST
    assert refused.text == "accounts: begin before anybody is known to the market; 1 users are"
    assert desk.engine.accounting is None
    floor = Floor()
    assert code(floor.does(BeginAccounts, "root")) is Code.OK  # again changes nothing
    assert list(floor.engine.accounts) == [BANK, ISSUER]


def test_without_accounts_orders_need_nothing() -> None:
    """And the administration of accounts says what is missing."""
    desk = Desk()
    assert code(desk.place("ann", Side.ASK, 100, 100)) is Code.OK
    refused = outcome(Floor.transfer(desk_as_floor(desk), TransferKind.DEPOSIT, "USD", BANK, "ann", 1))
    assert refused.text == "accounts: this market keeps none; begin them before anything else"


def desk_as_floor(desk: Desk) -> Floor:
    floor = Floor()
    floor.engine, floor.number = desk.engine, desk.number
    return floor


def test_money_beyond_64_bits_is_asked_for_and_refused() -> None:
    floor = Floor()
    command = PlaceOrder(
        "gateway",
        99,
        "bob",
        "OTHER",
        "huge",
        Side.BID,
        OrderKind.LIMIT,
        1_000_000,
        1_000_000,
        TimeInForce.GTC,
        False,
        SelfTradePrevention.CANCEL_NEWEST,
    )
    refused = outcome(floor.engine.apply(command, floor.time))
    assert refused.text == "quantity: needs 10,000,000,000.00 USD, 0.00 are free"


def test_the_issuer_and_the_bank_hold_the_other_half() -> None:
    floor = Floor()
    floor.deposit("bob", 7)
    floor.grant("ann", 3)
    assert floor.account(BANK).purse("USD").amount == -7 * DOLLAR
    assert floor.account(ISSUER).holdings["ACME"].lots == -3


SIDES = [(Side.BID, 101, 99), (Side.ASK, 99, 101)]


@pytest.mark.parametrize(("first", "own", "others"), SIDES)
def test_an_order_that_ends_its_own_users_last_other_one_keeps_what_it_trades(
    first: Side, own: int, others: int
) -> None:
    """Nothing was held before, so only the resting order and the one that arrives keep the holding."""
    floor = floor_of(ann=1000, bob=1000)
    floor.grant("bob", 10)
    floor.limit("ann", may_short=10)
    second = Side.ASK if first is Side.BID else Side.BID
    floor.place("bob", first, others, 10)
    floor.place("ann", first, own, 10)
    floor.place("ann", second, others, 10, self_trade_prevention=SelfTradePrevention.CANCEL_OLDEST)
    assert floor.holding("ann").lots == (-10 if second is Side.ASK else 10)


def test_less_of_a_short_ask_is_always_free() -> None:
    floor = floor_of(ann=10)
    floor.limit("ann", may_short=50)
    short = floor.ask("ann", 100, 50)
    floor.limit("ann", may_short=0)
    assert floor.replace("ann", short.order_id, None, 51).code is Code.INSUFFICIENT_HOLDINGS
    assert floor.replace("ann", short.order_id, None, 30).code is Code.OK
    assert floor.holding("ann").reserved == 30

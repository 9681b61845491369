"""Where accounts are kept a replica holds lots, costs and money by executions and transfers."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.account import cost_after
from openoutcry.wire.funded_account_book import FundedAccountBook, Reserved
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Execution, Transfer
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import Code, ExecutionEvent, Liquidity, OrderKind, Side, TimeInForce, TransferKind

ACME = Instrument("ACME", tick_size="0.000001")


@pytest.fixture
def book() -> FundedAccountBook:
    found = FundedAccountBook({"ACME": ACME})
    found.load(Account(0, [], {}, {"USD": "100.000000"}, False, {}, {"USD": "0.000000"}, {"USD": "0.000000"}))
    return found


def traded(user_seq: int, side: Side, price: int, quantity: int, remaining: int = 0, **other: Any) -> Execution:
    event = ExecutionEvent.FILLED if quantity else ExecutionEvent.ACCEPTED
    execution = Execution(
        user_seq, event, user_seq, 71, "m", "ACME", side, OrderKind.LIMIT, TimeInForce.GTC, price, 9, remaining, price,
        quantity, 1, Liquidity.TAKER, Code.OK,
    )  # fmt: skip
    return execution._replace(**other)


def moved(user_seq: int, amount: str, balance: str, asset: str = "ACME", until: int = 0, time: int = 1) -> Transfer:
    return Transfer(user_seq, time, f"t{user_seq}", TransferKind.CORRECTION, asset, amount, balance, until)


def test_three_lots_sold_one_by_one_take_all_of_their_cost(book: FundedAccountBook) -> None:
    """An average would leave a millionth behind."""
    book.apply(traded(1, Side.BID, 3_333_333, 2))
    book.apply(traded(2, Side.BID, 3_333_334, 1))
    costs = [book.costs["ACME"]]
    for user_seq in (3, 4, 5):
        book.apply(traded(user_seq, Side.ASK, 3_000_000, 1))
        costs.append(book.costs.get("ACME", 0))
    assert costs == [10_000_000, 6_666_667, 3_333_334, 0]
    assert book.results == {"USD": 9_000_000 - 10_000_000}
    assert book.account().holdings == {}


def test_who_sells_short_has_the_proceeds_as_a_negative_cost() -> None:
    assert cost_after(2, 20, -5, 7) == (-3, -21, 14 - 20)
    assert cost_after(-3, -21, 5, 10) == (2, 20, 21 - 30)


def test_open_orders_reserve(book: FundedAccountBook) -> None:
    book.apply(traded(1, Side.BID, 5, 0, remaining=9))
    book.apply(traded(2, Side.ASK, 8, 0, remaining=4, order_id=72))
    book.apply(traded(3, Side.BID, 5, 3, remaining=6))
    assert book.reserved() == Reserved({"USD": 30}, {"ACME": 4})
    account = book.account()
    assert account.holdings == {"ACME": [3, 4, [], "0.000015"]}
    assert account.reserved == {"USD": "0.000030"}


def test_lots_of_the_same_time_are_one_part_and_go_the_latest_first(book: FundedAccountBook) -> None:
    for user_seq, (amount, balance, until) in enumerate([("5", "5", 90), ("2", "7", 50), ("1", "8", 90)], 1):
        assert book.apply_transfer(moved(user_seq, amount, balance, until=until)) is Verdict.APPLY
    assert book.restricted == {"ACME": [(50, "vesting", 2), (90, "vesting", 6)]}
    assert (book.held_back("ACME", 49), book.held_back("ACME", 50), book.held_back("ACME", 90)) == (8, 6, 0)
    book.apply_transfer(moved(4, "-7", "1"))
    assert book.restricted == {"ACME": [(50, "vesting", 1)]}
    book.apply_transfer(moved(5, "1", "2", time=50))
    assert book.restricted == {}


def test_lots_bought_under_a_holding_period_are_held_back_until_it_is_over(book: FundedAccountBook) -> None:
    book.apply_transfer(moved(1, "2", "2", until=90))
    book.apply(traded(2, Side.BID, 1, 4, held_until=90))
    book.apply(traded(3, Side.BID, 1, 3, held_until=90))
    assert book.restricted == {"ACME": [(90, "holding_period", 7), (90, "vesting", 2)]}
    assert book.account().holdings == {"ACME": [9, 0, [[90, 7, "holding_period"], [90, 2, "vesting"]], "0.000007"]}
    book.apply(traded(4, Side.BID, 1, 1, time=90))
    assert book.restricted == {}


def test_what_covers_a_short_sale_is_not_held_back(book: FundedAccountBook) -> None:
    book.apply(traded(1, Side.ASK, 1, 5))
    book.apply(traded(2, Side.BID, 1, 3, held_until=90))
    assert book.restricted == {}
    book.apply(traded(3, Side.BID, 1, 3, held_until=90))
    assert book.restricted == {"ACME": [(90, "holding_period", 1)]}


def test_transfers_apply_once_and_in_order(book: FundedAccountBook) -> None:
    assert book.apply_transfer(moved(2, "1", "1")) is Verdict.GAP
    assert book.apply_transfer(moved(1, "1", "1")) is Verdict.APPLY
    assert book.apply_transfer(moved(1, "1", "1")) is Verdict.DUPLICATE
    assert book.apply(traded(1, Side.BID, 1, 1)) is Verdict.DUPLICATE
    assert book.user_seq == 1


@pytest.mark.parametrize(
    "transfer",
    [
        moved(1, "5", "6"),
        moved(1, "5.000000", "5.000000", "USD"),
        moved(1, "1", "1.000000"),
        moved(1, "1.000000", "1", "USD"),
    ],
)
def test_a_balance_that_is_not_what_is_held_is_a_gap(book: FundedAccountBook, transfer: Transfer) -> None:
    assert book.apply_transfer(transfer) is Verdict.GAP


def test_a_snapshot_is_given_back(book: FundedAccountBook) -> None:
    held = {"ACME": [5, 0, [[9, 3, "vesting"]], "-12.500000"]}
    account = Account(4, [], {"ACME": 5}, {"USD": "7.000000"}, True, held, {"USD": "0.000000"}, {"USD": "-0.000001"})
    book.load(account)
    assert book.account() == account

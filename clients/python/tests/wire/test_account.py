"""A user's account is replicated like a book: a snapshot, then every execution once."""

from __future__ import annotations

from typing import Any, cast

import pytest

from openoutcry.wire.account import AccountBook, amount_text, millionths, settle, tick_value
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Execution, OpenOrder
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import Code, ExecutionEvent, Liquidity, OrderKind, Side, TimeInForce

ACME = Instrument("ACME", tick_size="0.05", lot_size=10)
ACCEPTED = Execution(
    1,
    ExecutionEvent.ACCEPTED,
    0,
    71,
    "mine",
    "ACME",
    Side.BID,
    OrderKind.LIMIT,
    TimeInForce.GTC,
    100,
    5,
    5,
    0,
    0,
    0,
    Liquidity.NONE,
    Code.OK,
)
FILL: dict[str, Any] = {"event": ExecutionEvent.FILLED, "fill_price": 99, "fill_quantity": 2, "remaining": 3}


@pytest.fixture
def book() -> AccountBook:
    return AccountBook({"ACME": ACME})


def test_a_tick_of_a_lot_is_worth_whole_millionths() -> None:
    assert tick_value(ACME) == 500_000
    assert tick_value(Instrument("X", tick_size="0.000001")) == 1


def test_an_accepted_order_is_open(book: AccountBook) -> None:
    assert book.apply(ACCEPTED) is Verdict.APPLY
    assert book.orders[71] == OpenOrder(71, "mine", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 5)


def test_a_stop_shows_its_trigger_until_it_is_triggered(book: AccountBook) -> None:
    """And what ends by itself its end; once it has expired it is open no more."""
    stop = ACCEPTED._replace(time_in_force=TimeInForce.GTD, trigger=105, expires_at=7_000)
    book.apply(stop)
    [order] = book.account().orders
    assert (order.trigger, order.expires_at, order.expires_on, order.remaining) == (105, 7_000, "", 5)
    book.apply(stop._replace(user_seq=2, event=ExecutionEvent.TRIGGERED, trigger=0))
    [order] = book.account().orders
    assert (order.trigger, order.expires_at) == (0, 7_000)
    book.apply(stop._replace(user_seq=3, event=ExecutionEvent.EXPIRED, trigger=0, remaining=0))
    assert book.account().orders == []


def test_a_bought_lot_is_held_and_paid(book: AccountBook) -> None:
    book.apply(ACCEPTED)
    book.apply(ACCEPTED._replace(user_seq=2, **FILL))
    assert book.positions == {"ACME": 2}
    assert book.cash == {"USD": -2 * 99 * 500_000}
    assert book.orders[71].remaining == 3


def test_a_sold_lot_is_owed_and_earned(book: AccountBook) -> None:
    book.apply(ACCEPTED._replace(side=Side.ASK, **FILL))
    assert book.positions == {"ACME": -2}
    assert book.cash == {"USD": 2 * 99 * 500_000}


@pytest.mark.parametrize("event", [ExecutionEvent.FILLED, ExecutionEvent.CANCELLED, ExecutionEvent.EXPIRED])
def test_an_order_with_nothing_remaining_is_open_no_more(book: AccountBook, event: ExecutionEvent) -> None:
    book.apply(ACCEPTED)
    book.apply(ACCEPTED._replace(user_seq=2, event=event, remaining=0))
    assert book.orders == {}


def test_a_rejected_order_never_opens(book: AccountBook) -> None:
    book.apply(ACCEPTED._replace(event=ExecutionEvent.REJECTED, order_id=0, remaining=5))
    assert book.orders == {}


@pytest.mark.parametrize("order_id", [0, 71])
def test_a_rejection_buries_no_order_of_the_same_name(book: AccountBook, order_id: int) -> None:
    """An exchange of yesterday told of a refused repetition so: the client's own id, and nothing remaining."""
    book.apply(ACCEPTED)
    book.apply(ACCEPTED._replace(user_seq=2, event=ExecutionEvent.REJECTED, order_id=order_id, remaining=0))
    assert list(book.orders) == [71]


def test_executions_apply_once_and_in_order(book: AccountBook) -> None:
    assert book.apply(ACCEPTED._replace(user_seq=2)) is Verdict.GAP
    assert book.apply(ACCEPTED) is Verdict.APPLY
    assert book.apply(ACCEPTED) is Verdict.DUPLICATE
    assert book.user_seq == 1


def test_a_snapshot_replaces_all_and_is_given_back(book: AccountBook) -> None:
    book.apply(ACCEPTED)
    snapshot = Account(9, [], {"ACME": 1}, {"USD": "-0.000007"}, cancel_on_disconnect=True)
    book.load(snapshot)
    assert book.account() == snapshot


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.000000"), (-1, "-0.000001"), (1_050_250_000, "1050.250000"), (-(10**30), f"-1{'0' * 24}.000000")],
)
def test_cash_is_exact_text_whatever_its_size(amount: int, text: str) -> None:
    """One order at the limits moves more than 2**53 millionths, and a few hundred more than 2**64."""
    assert amount_text(amount) == text
    assert millionths(text) == amount


def test_the_account_given_out_does_not_change_with_the_book(book: AccountBook) -> None:
    given = book.account()
    book.apply(ACCEPTED._replace(**FILL))
    assert (given.positions, given.orders) == ({}, [])


def test_a_fill_moves_lots_one_way_and_money_the_other() -> None:
    """One rule for the engine and every copy of an account; a side may come as the wire's text."""
    instrument = Instrument("ACME", tick_size="0.01", lot_size=10)
    positions, cash = {"ACME": 1}, {"USD": 5}
    settle(positions, cash, instrument, tick_value(instrument), Side.BID, 100, 3)
    assert (positions, cash) == ({"ACME": 4}, {"USD": 5 - 3 * 100 * 100_000})
    settle(positions, cash, instrument, tick_value(instrument), cast("Side", "ask"), 101, 4)
    assert (positions, cash) == ({"ACME": 0}, {"USD": 5 + 104 * 100_000})

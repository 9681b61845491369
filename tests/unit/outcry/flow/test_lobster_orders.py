"""What each recorded message becomes, and what is never guessed."""

from __future__ import annotations

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import OrderKind, Side, TimeInForce
from outcry.flow.aio.replay_command import fidelity
from outcry.flow.lobster import LobsterMessage, LobsterType
from outcry.flow.lobster_orders import LobsterOrders, Skip
from outcry.flow.replay_book import BookDistance, OtherFill
from services.matching.engine import Engine
from shared.logs.commands import CancelAll, CancelOrder, Command, ListInstrument, PlaceOrder, ReplaceOrder
from shared.logs.events import PrivateExecution

AAPL = Instrument("AAPL", price_max=100_000, quantity_max=10_000)
SOURCE = "replay-0123456789abcdef"
DOLLAR = 10_000


def message(
    kind: LobsterType, order_id: int = 7, size: int = 100, price: int = 585 * DOLLAR, side: Side = Side.BID
) -> LobsterMessage:
    return LobsterMessage(0, kind, order_id, size, price, side)


@pytest.fixture
def orders() -> LobsterOrders:
    return LobsterOrders(AAPL, SOURCE)


def entered(orders: LobsterOrders, order_id: int = 7, size: int = 100, side: Side = Side.BID) -> PlaceOrder:
    command = orders.command(message(LobsterType.NEW_ORDER, order_id, size, side=side))
    assert isinstance(command, PlaceOrder)
    return command


def test_a_new_order_rests_at_its_price_in_ticks(orders: LobsterOrders) -> None:
    command = entered(orders)
    assert (command.side, command.price, command.quantity) == (Side.BID, 58_500, 100)
    assert (command.kind, command.time_in_force) == (OrderKind.LIMIT, TimeInForce.GTC)


def test_a_partial_cancellation_names_the_smaller_total(orders: LobsterOrders) -> None:
    """A replace names the total with what was filled, so that a fill under way cannot overfill."""
    maker = entered(orders)
    orders.command(message(LobsterType.VISIBLE_EXECUTION, size=20))
    command = orders.command(message(LobsterType.PARTIAL_CANCEL, size=30))
    assert isinstance(command, ReplaceOrder)
    assert (command.user, command.client_order_id) == (maker.user, maker.client_order_id)
    assert (command.price, command.quantity) == (None, 70)


def test_a_partial_cancellation_of_the_rest_is_a_cancel(orders: LobsterOrders) -> None:
    entered(orders)
    assert isinstance(orders.command(message(LobsterType.PARTIAL_CANCEL, size=100)), CancelOrder)
    assert orders.open_orders == 0


def test_a_deletion_is_a_cancel(orders: LobsterOrders) -> None:
    maker = entered(orders)
    command = orders.command(message(LobsterType.DELETION))
    assert isinstance(command, CancelOrder)
    assert (command.user, command.client_order_id) == (maker.user, maker.client_order_id)


@pytest.mark.parametrize("side", list(Side))
def test_an_execution_is_the_order_that_caused_it(orders: LobsterOrders, side: Side) -> None:
    """The direction is that of the resting order: an execution of a sell is a buyer's trade."""
    maker = entered(orders, side=side)
    command = orders.command(message(LobsterType.VISIBLE_EXECUTION, size=40, side=side))
    assert isinstance(command, PlaceOrder)
    assert (command.side, command.price, command.quantity) == (side.opposite, 58_500, 40)
    assert command.time_in_force is TimeInForce.IOC
    assert command.user != maker.user


def test_an_order_executed_whole_is_gone(orders: LobsterOrders) -> None:
    entered(orders)
    orders.command(message(LobsterType.VISIBLE_EXECUTION))
    assert orders.command(message(LobsterType.DELETION)) is None
    assert orders.skipped == {Skip.UNKNOWN_ORDER: 1}


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (message(LobsterType.HIDDEN_EXECUTION, order_id=0), Skip.HIDDEN_EXECUTION),
        (message(LobsterType.CROSS_TRADE), Skip.CROSS_TRADE),
        (message(LobsterType.HALT, order_id=0, size=0, price=-1), Skip.HALT),
        (message(LobsterType.DELETION, order_id=8), Skip.UNKNOWN_ORDER),
        (message(LobsterType.PARTIAL_CANCEL, order_id=8), Skip.UNKNOWN_ORDER),
        (message(LobsterType.VISIBLE_EXECUTION, order_id=8), Skip.UNKNOWN_ORDER),
        (message(LobsterType.NEW_ORDER, order_id=7), Skip.KNOWN_ORDER),
        (message(LobsterType.VISIBLE_EXECUTION, size=101), Skip.MORE_THAN_LEFT),
        (message(LobsterType.PARTIAL_CANCEL, size=101), Skip.MORE_THAN_LEFT),
        (message(LobsterType.NEW_ORDER, order_id=8, price=585 * DOLLAR + 50), Skip.OFF_TICK),
        (message(LobsterType.NEW_ORDER, order_id=8, price=1001 * DOLLAR), Skip.OUT_OF_RANGE),
        (message(LobsterType.NEW_ORDER, order_id=8, size=10_001), Skip.OUT_OF_RANGE),
    ],
)
def test_what_the_file_does_not_say_is_counted_not_guessed(
    orders: LobsterOrders, found: LobsterMessage, reason: Skip
) -> None:
    entered(orders)
    assert orders.command(found) is None
    assert orders.skipped == {reason: 1}
    assert orders.open_orders == 1


def test_sizes_between_two_lots_are_counted() -> None:
    orders = LobsterOrders(AAPL._replace(lot_size=100), SOURCE)
    assert orders.command(message(LobsterType.NEW_ORDER, size=150)) is None
    command = orders.command(message(LobsterType.NEW_ORDER, size=300))
    assert isinstance(command, PlaceOrder)
    assert command.quantity == 3
    assert orders.skipped == {Skip.OFF_LOT: 1}


@pytest.mark.parametrize(("tick_size", "ticks"), [("0.01", 123), ("0.0001", 12_300), ("0.000001", 1_230_000)])
def test_prices_are_translated_to_the_instruments_ticks(tick_size: str, ticks: int) -> None:
    """The file counts ten-thousandths of a dollar, whatever the instrument's tick is."""
    orders = LobsterOrders(Instrument("PENNY", tick_size=tick_size), SOURCE)
    command = orders.command(message(LobsterType.NEW_ORDER, price=12_300))
    assert isinstance(command, PlaceOrder)
    assert command.price == ticks


def test_commands_are_numbered_without_holes(orders: LobsterOrders) -> None:
    """Skipped messages use no number, and numbers may follow those of commands sent before."""
    later = LobsterOrders(AAPL, SOURCE, first_number=5)
    commands = [entered(later, 1), later.command(message(LobsterType.HALT)), entered(later, 2)]
    assert [command.number for command in commands if command] == [5, 6]


def test_an_earlier_replay_is_withdrawn_from_this_book_alone(orders: LobsterOrders) -> None:
    withdrawals = orders.withdrawals()
    assert all(isinstance(command, CancelAll) and command.instrument == "AAPL" for command in withdrawals)
    entered_by = {entered(orders, order_id).user for order_id in range(1_000)}
    assert entered_by <= {command.user for command in withdrawals if isinstance(command, CancelAll)}


def test_the_engine_ends_with_the_files_book(orders: LobsterOrders) -> None:
    """The whole way: what rests after the replay is what the file says rests."""
    engine = Engine()
    engine.apply(ListInstrument("listing", 1, AAPL), 0)
    for found in (
        message(LobsterType.NEW_ORDER, 1, 100, 585 * DOLLAR, Side.BID),
        message(LobsterType.NEW_ORDER, 2, 50, 586 * DOLLAR, Side.ASK),
        message(LobsterType.NEW_ORDER, 3, 50, 586 * DOLLAR, Side.ASK),
        message(LobsterType.PARTIAL_CANCEL, 1, 40, 585 * DOLLAR, Side.BID),
        message(LobsterType.VISIBLE_EXECUTION, 2, 50, 586 * DOLLAR, Side.ASK),
        message(LobsterType.VISIBLE_EXECUTION, 3, 10, 586 * DOLLAR, Side.ASK),
        message(LobsterType.NEW_ORDER, 4, 5, 587 * DOLLAR, Side.ASK),
        message(LobsterType.DELETION, 4, 5, 587 * DOLLAR, Side.ASK),
    ):
        command = orders.command(found)
        assert command is not None
        engine.apply(command, 0)
    snapshot = engine.instruments["AAPL"].book.snapshot(epoch=1, time=0)
    assert [list(level) for level in snapshot.bids] == [[58_500, 60, 1]]
    assert [list(level) for level in snapshot.asks] == [[58_600, 40, 1]]


class Market:
    """An engine that carries out a file, and tells its replay of the executions."""

    def __init__(self, orders: LobsterOrders) -> None:
        self.engine = Engine()
        self.engine.apply(ListInstrument("listing", 1, AAPL), 0)
        self.orders = orders

    def play(self, *messages: LobsterMessage) -> None:
        for each in messages:
            command = self.orders.command(each)
            if command is not None:
                self.apply(command)

    def apply(self, command: Command) -> None:
        events = self.engine.apply(command, 0)
        self.orders.book.observe([event for event in events if isinstance(event, PrivateExecution)])


def test_a_book_that_is_the_files_own_has_no_distance(orders: LobsterOrders) -> None:
    market = Market(orders)
    market.play(
        message(LobsterType.NEW_ORDER, 1, 100),
        message(LobsterType.NEW_ORDER, 2, 50),
        message(LobsterType.PARTIAL_CANCEL, 1, 30),
        message(LobsterType.VISIBLE_EXECUTION, 1, 70),
        message(LobsterType.VISIBLE_EXECUTION, 2, 10),
        message(LobsterType.NEW_ORDER, 3, 5, 586 * DOLLAR, Side.ASK),
        message(LobsterType.DELETION, 3, 5, 586 * DOLLAR, Side.ASK),
    )
    assert (orders.book.executions, orders.book.other_fills, orders.book.unfilled) == (2, 0, 0)
    assert orders.distance() == BookDistance(levels=1, levels_apart=0, lots=40, lots_apart=0)


def test_an_order_that_crosses_the_book_is_counted_as_it_trades(orders: LobsterOrders) -> None:
    """The file has it rest: from then on the two books differ, and a summary must say why."""
    market = Market(orders)
    market.play(
        message(LobsterType.NEW_ORDER, 1, 50),
        message(LobsterType.NEW_ORDER, 2, 50),
        message(LobsterType.NEW_ORDER, 3, 70, 584 * DOLLAR, Side.ASK),
    )
    assert (len(orders.book.crossed), orders.book.executions) == (1, 0)
    assert "1 orders that the file has rest traded as they came: they crossed the book" in fidelity(orders)


def test_an_execution_that_fills_who_came_first_is_counted_and_named(orders: LobsterOrders) -> None:
    """The file's order stood behind: the first had lost its place by something that the file does not tell."""
    market = Market(orders)
    market.play(
        message(LobsterType.NEW_ORDER, 1, 100),
        message(LobsterType.NEW_ORDER, 2, 50),
        message(LobsterType.VISIBLE_EXECUTION, 2, 20),
    )
    assert (orders.book.executions, orders.book.other_fills) == (1, 1)
    assert orders.book.examples == [OtherFill(2, "1")]
    assert orders.distance() == BookDistance(1, 0, 130, 0)  # the same lots at the same price, of other orders
    market.play(message(LobsterType.DELETION, 2, 30))
    assert orders.distance() == BookDistance(1, 1, 100, 20)
    assert fidelity(orders) == [
        (
            "1 executions of visible orders, 1 of which filled another order than the file's: it was first in "
            "price-time priority (1 instead of 2)"
        ),
        "the replayed book differs from the file's own at 1 of 1 levels, by 20 lots in all; the file's has 100",
    ]


def test_a_strangers_order_that_is_filled_instead_is_named_by_its_own_id(orders: LobsterOrders) -> None:
    market = Market(orders)
    stranger = entered(LobsterOrders(AAPL, "other-source-01234567"), 9, 10)
    market.apply(stranger)
    market.play(message(LobsterType.NEW_ORDER, 1, 100), message(LobsterType.VISIBLE_EXECUTION, 1, 20))
    assert orders.book.examples == [OtherFill(1, stranger.client_order_id)]
    assert orders.book.other_fills == 1


def test_an_execution_that_finds_too_little_is_counted(orders: LobsterOrders) -> None:
    market = Market(orders)
    market.play(message(LobsterType.NEW_ORDER, 1, 100))
    maker = next(user for user in market.engine.accounts if user.startswith("replay-bid"))
    market.apply(CancelAll("other", 1, maker, AAPL.symbol))
    market.play(message(LobsterType.VISIBLE_EXECUTION, 1, 20))
    assert (orders.book.executions, orders.book.other_fills, orders.book.unfilled) == (1, 0, 1)
    assert "1 executions found less" in "\n".join(fidelity(orders))
    assert orders.distance() == BookDistance(1, 1, 80, 80)


def test_cross_trades_are_passed_over_and_counted(orders: LobsterOrders) -> None:
    assert orders.command(message(LobsterType.CROSS_TRADE, -1)) is None
    assert orders.skipped == {Skip.CROSS_TRADE: 1}

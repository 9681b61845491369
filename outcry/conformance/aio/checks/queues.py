"""Section "Orders": who is served first, and what a replace does to an order's place."""

from __future__ import annotations

from typing import Final

from openoutcry.wire.types import Code, ExecutionEvent, Side, TimeInForce
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trader import CheckTrader
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import expect, expect_equal, expect_refused

SECTION: Final = "Orders"
IOC: Final = TimeInForce.IOC


@check(SECTION, users=3, contended=True)
async def first_come_first_served(trial: Trial) -> None:
    """
    The order keeps its place in the queue only if the price stays and the quantity does not grow.

    Two orders at one price that nobody replaces are filled in the order in which they came.
    """
    first, second, taker = [await trial.trader(user) for user in range(3)]
    price = await trial.free_price()
    orders = await first.order(Side.BID, 2, price), await second.order(Side.BID, 2, price)
    await _take(taker, 3, price)
    await _expect_filled((first, orders[0], 2), (second, orders[1], 1))


@check(SECTION, users=3, contended=True)
async def smaller_quantity_keeps_the_place(trial: Trial) -> None:
    """
    The order keeps its place in the queue only if the price stays and the quantity does not grow.

    The first of two is made smaller, and is still filled first.
    """
    first, second, taker = [await trial.trader(user) for user in range(3)]
    price = await trial.free_price()
    orders = await first.order(Side.BID, 3, price), await second.order(Side.BID, 2, price)
    await _replace(first, orders[0], quantity=2)
    await _take(taker, 2, price)
    await _expect_filled((first, orders[0], 2), (second, orders[1], 0))


@check(SECTION, users=3, contended=True)
async def larger_quantity_loses_the_place(trial: Trial) -> None:
    """
    The order keeps its place in the queue only if the price stays and the quantity does not grow.

    The first of two is made larger, and the other is filled first.
    """
    first, second, taker = [await trial.trader(user) for user in range(3)]
    price = await trial.free_price()
    orders = await first.order(Side.BID, 2, price), await second.order(Side.BID, 2, price)
    await _replace(first, orders[0], quantity=3)
    await _take(taker, 2, price)
    await _expect_filled((first, orders[0], 0), (second, orders[1], 2))


@check(SECTION, users=3, contended=True)
async def another_price_loses_the_place(trial: Trial) -> None:
    """
    The order keeps its place in the queue only if the price stays and the quantity does not grow.

    The first of two leaves its price and comes back, and the other is filled first.
    """
    first, second, taker = [await trial.trader(user) for user in range(3)]
    price = await trial.free_price()
    orders = await first.order(Side.BID, 2, price), await second.order(Side.BID, 2, price)
    await _replace(first, orders[0], price=price - 1)
    await _replace(first, orders[0], price=price)
    await _take(taker, 2, price)
    await _expect_filled((first, orders[0], 0), (second, orders[1], 2))


@check(SECTION, contended=True)
async def replace_keeps_the_ids(trial: Trial) -> None:
    """`replace` keeps the order's ids."""
    trader = await trial.trader()
    price = await trial.free_price()
    client_order_id = trader.new_id()
    order_id = await trader.order(Side.BID, 2, price, client_order_id=client_order_id)
    for named in ({"order_id": order_id}, {"client_order_id": client_order_id}):
        reply = await trader.client.accepted("replace", price=price, quantity=3, **named)
        expect_equal(reply.data.get("order_id"), order_id, "order_id in the reply")
    replaced = await trader.execution(ExecutionEvent.REPLACED, order_id)
    expect_equal(replaced.client_order_id, client_order_id, "client_order_id of the execution")
    expect_equal((replaced.price, replaced.quantity, replaced.remaining), (price, 3, 3), "price, quantity, remaining")


@check(SECTION, users=2, contended=True)
async def replace_names_the_total(trial: Trial) -> None:
    """`quantity` is the new **total**, what has been filled included."""
    maker, taker = await trial.trader(0), await trial.trader(1)
    price = await trial.free_price()
    order_id = await maker.order(Side.BID, 5, price)
    await _take(taker, 2, price)
    await _replace(maker, order_id, quantity=4)
    replaced = await maker.execution(ExecutionEvent.REPLACED, order_id)
    expect_equal((replaced.quantity, replaced.remaining), (4, 2), "quantity and remaining after the replace")
    account = await maker.follow_account()
    expect_equal([(order.quantity, order.remaining) for order in account.orders], [(4, 2)], "the order in the account")


@check("Server messages", users=2, contended=True)
async def replace_below_what_is_filled_ends_the_order(trial: Trial) -> None:
    """`replaced_below_filled`, or a refusal's code."""
    maker, taker = await trial.trader(0), await trial.trader(1)
    price = await trial.free_price()
    order_id = await maker.order(Side.BID, 5, price)
    await _take(taker, 3, price)
    await maker.execution(ExecutionEvent.FILLED, order_id)
    await _replace(maker, order_id, quantity=3)
    await maker.settle()
    last = maker.executions(order_id)[-1]
    expect_equal((last.remaining, last.reason), (0, Code.REPLACED_BELOW_FILLED), "remaining and reason")
    expect_refused(await maker.client.ask("cancel", order_id=order_id), Code.UNKNOWN_ORDER)


@check("Refusals", contended=True)
async def replace_obeys_the_rules_of_an_order(trial: Trial) -> None:
    """Below 1, or above the instrument's maximum."""
    trader = await trial.trader()
    order_id = await trader.order(Side.BID, 1, await trial.free_price())
    definition = trial.venue.quiet
    beyond = await trader.client.ask("replace", order_id=order_id, price=definition.price_max + 1)
    expect_refused(beyond, Code.PRICE_OUT_OF_RANGE, "price")
    beyond = await trader.client.ask("replace", order_id=order_id, quantity=definition.quantity_max + 1)
    expect_refused(beyond, Code.QUANTITY_OUT_OF_RANGE, "quantity")
    unknown = await trader.client.ask("replace", order_id=2**53 - 1, price=1)
    expect_refused(unknown, Code.UNKNOWN_ORDER)
    account = await trader.follow_account()
    expect_equal([order.order_id for order in account.orders], [order_id], "open orders after refused replaces")


async def _take(taker: CheckTrader, quantity: int, price: int) -> None:
    await taker.order(Side.ASK, quantity, price, time_in_force=IOC)


async def _replace(trader: CheckTrader, order_id: int, **fields: int) -> None:
    await trader.client.accepted("replace", order_id=order_id, **fields)


async def _expect_filled(*wanted: tuple[CheckTrader, int, int]) -> None:
    for trader, order_id, quantity in wanted:
        await trader.settle()
        fills = [each for each in trader.executions(order_id) if each.event == ExecutionEvent.FILLED]
        expect_equal(sum(each.fill_quantity for each in fills), quantity, f"lots of {trader.client.name} filled")
        expect(len(fills) <= 1, f"{len(fills)} fills of one order by one taker")

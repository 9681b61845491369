"""Section "Special orders": stops, orders that end by themselves, and orders with a minimum."""

from __future__ import annotations

from typing import Final

from openoutcry.wire.messages import Execution, Ticker
from openoutcry.wire.types import Code, ExecutionEvent, Side, TimeInForce
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trader import CheckTrader
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import expect, expect_equal, expect_ok, expect_refused

SECTION: Final = "Special orders"
AHEAD_US: Final = 1_000_000
"""How far ahead an order's end is, so that it is no wait for whoever runs the checks."""
DAY_US: Final = 86_400_000_000


@check(SECTION, users=2, contended=True)
async def stop_is_in_no_book(trial: Trial) -> None:
    """A stop waits in no book: nobody sees it but its user."""
    trader = await trial.trader(0)
    await _trade(trial, await trial.trader(1), trader)
    order_id = await trader.order(Side.ASK, 1, 1, trigger=1)
    accepted = await trader.execution(ExecutionEvent.ACCEPTED, order_id)
    expect_equal((accepted.trigger, accepted.remaining), (1, 1), "trigger and remaining lots of the stop")
    watcher = await trial.connect(1)
    book = await trial.follow(watcher, trader.instrument)
    expect(1 not in book.book.asks, "the book has a level at the limit of a stop that was not triggered")
    account = await trader.follow_account()
    expect_equal([(each.order_id, each.trigger) for each in account.orders], [(order_id, 1)], "stops in the account")
    await trader.client.accepted("cancel", order_id=order_id)
    await trader.execution(ExecutionEvent.CANCELLED, order_id)


@check(SECTION, users=3, contended=True)
async def stop_is_triggered_by_a_trade(trial: Trial) -> None:
    """A bid waits for a trade at its `trigger` or above, an ask for one at its `trigger` or below."""
    trader, maker, taker = await trial.trader(0), await trial.trader(1), await trial.trader(2)
    ticker = await trial.connect(0)
    await ticker.accepted("subscribe", channel="ticker", instruments=[trader.instrument])
    last = (await ticker.hear(Ticker)).last
    price = await trial.free_price()
    side = Side.BID if last < price else Side.ASK
    reply = await trader.try_order(side, 1, price, trigger=price)
    if reply.code == Code.WOULD_TRIGGER:
        return  # something was traded at this very price meanwhile: there is nothing to wait for
    expect_ok(reply)
    await maker.order(side.opposite, 1, price)
    await taker.order(side, 1, price, time_in_force=TimeInForce.IOC)
    triggered = await trader.execution(ExecutionEvent.TRIGGERED, reply.data["order_id"])
    expect_equal((triggered.trigger, triggered.remaining), (0, 1), "trigger and remaining lots once it is triggered")


@check(SECTION, users=2, contended=True)
async def stop_that_would_trigger_is_refused(trial: Trial) -> None:
    """A trigger that the last price has reached already is refused as `would_trigger`."""
    trader = await trial.trader(0)
    await _trade(trial, await trial.trader(1), trader)
    expect_refused(await trader.try_order(Side.BID, 1, 1, trigger=1), Code.WOULD_TRIGGER)


@check(SECTION, contended=True)
async def order_ends_at_its_moment(trial: Trial) -> str:
    """`gtd` with `expires_at`: at that moment, to the microsecond of the exchange's time."""
    trader = await trial.trader()
    price = await trial.free_price()
    now = (await trader.client.accepted("ping")).data["server_time"]
    end = now + AHEAD_US
    order_id = await trader.order(Side.BID, 1, price, time_in_force=TimeInForce.GTD, expires_at=end)
    expired = await trader.execution(ExecutionEvent.EXPIRED, order_id)
    expect_equal((expired.time, expired.remaining, expired.reason), (end, 0, Code.EXPIRED), "the end of the order")
    return f"{end - now} µs after it was asked for"


@check(SECTION, contended=True)
async def day_order_says_when_it_ends(trial: Trial) -> None:
    """In an instrument without a calendar the day is UTC's: these orders end at midnight UTC."""
    trader = await trial.trader()
    order_id = await trader.order(Side.BID, 1, await trial.free_price(), time_in_force=TimeInForce.DAY)
    accepted: Execution = await trader.execution(ExecutionEvent.ACCEPTED, order_id)
    expect_equal(accepted.expires_at % DAY_US, 0, "time of day at which the order ends")  # 0 with a calendar


@check(SECTION, users=2, contended=True)
async def minimum_is_traded_or_nothing(trial: Trial) -> None:
    """An order with a `minimum` that cannot trade so many lots at once is `cancelled` as `not_fillable`."""
    maker, taker = await trial.trader(0), await trial.trader(1)
    price = await trial.free_price()
    resting = await maker.order(Side.BID, 3, price)
    too_many = await taker.order(Side.ASK, 5, price, minimum=4)
    ended = await taker.execution(ExecutionEvent.CANCELLED, too_many)
    expect_equal(
        (ended.reason, ended.remaining), (Code.NOT_FILLABLE, 0), "the end of an order whose minimum is not there"
    )
    enough = await taker.order(Side.ASK, 5, price, minimum=3)
    filled = await taker.execution(ExecutionEvent.FILLED, enough)
    expect_equal((filled.fill_quantity, filled.remaining), (3, 2), "the fill of an order whose minimum is there")
    await maker.execution(ExecutionEvent.FILLED, resting)


async def _trade(trial: Trial, maker: CheckTrader, taker: CheckTrader) -> None:
    """Have something traded, so that there is a last price."""
    price = await trial.free_price()
    await maker.order(Side.BID, 1, price)
    await taker.order(Side.ASK, 1, price, time_in_force=TimeInForce.IOC)

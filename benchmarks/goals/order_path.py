"""Goals of the way in: from an order's entry to its acceptance, and to everyone's book."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from benchmarks.goals.goal import Figure, Goal, Trial, at_least, at_most
from benchmarks.goals.order_senders import OrderSenders, OrdersReport, crossing_orders, dated_order
from benchmarks.market_run import MarketRun, Point, Setting, market

SENDERS: Final = 1_000
RATES: Final = (24_000, 20_500, 17_500, 15_000, 12_500, 10_000, 7_500, 5_000, 2_500)
"""Orders a second that are tried until all are accepted; one is a little above the goal, so that the last
replies do not decide."""
KEPT_UP_SHARE: Final = 0.98
"""Accepted a second, of those sent, by which a rate counts as sustained."""
ORDERS_SETTING: Final = Setting(users=10, gateways=2, instruments=2, levels=1)
"""Ten users listen to the book that the orders change."""
COST_RATE: Final = 8_000
"""Orders a second at which the cost of one is measured: busy, and far from the end."""
WIDTH: Final = 10
"""Levels that the orders of the sustained flow rest at."""
ENTRY_RATE: Final = 50.0
ENTRY_SENDERS: Final = 50
_WARMING_S: Final = 1.0


def sustained(trial: Trial) -> Sequence[Figure]:
    """Measure the highest rate at which two gateways have every order accepted, and the delay at 1,000 a second."""
    found = [asyncio.run(_order_flow(trial)) for _ in range(trial.runs)]
    fast, calm = [rate for rate, _ in found], [calm.checked() for _, calm in found]
    # In turns, so that a slow minute is everybody's.
    costs = [[asyncio.run(_order_cost(trial, accounts=on)) for on in (False, True)] for _ in range(trial.runs)]
    return [
        at_least("orders a second, every one accepted", fast, 20_000),
        at_most("p50 ms at 1,000 a second", [report.latency_us.p50 / 1000 for report in calm], 3),
        at_most(
            "CPU of an order with accounts, limits and a blackout, times that without",
            [on / off for off, on in costs],
            1.05,
        ),
    ]


def from_entry(trial: Trial) -> Sequence[Figure]:
    """
    Measure from the moment an order was due at one gateway to its receipt by every user of another.

    The order's quantity is that moment, so each user tells the whole way of each order, one value for both.
    """
    points = [asyncio.run(_entries(trial)) for _ in range(trial.runs)]
    return [
        at_most("p50 ms", [point.latency_us.p50 / 1000 for point in points], 8),
        at_most("p99 ms", [point.latency_us.p99 / 1000 for point in points], 25),
    ]


async def _order_flow(trial: Trial) -> tuple[float, OrdersReport]:
    """Return the highest rate sustained, and a run at 1,000 a second."""
    async with market(ORDERS_SETTING) as run:
        await run.open_users()
        with OrderSenders(run, trial.users(SENDERS), ORDERS_SETTING.gateways, crossing_orders(WIDTH)) as senders:
            await senders.open()
            await send(senders, trial.rate(1_000), trial.wait(_WARMING_S))
            calm = await send(senders, trial.rate(1_000), trial.seconds)
            return await _highest(senders, trial), calm


async def _order_cost(trial: Trial, *, accounts: bool) -> float:
    """Return CPU µs of the exchange for an order: gateways, engine and Redis, at a rate that all of them hold."""
    senders_wanted = trial.users(SENDERS)
    setting = ORDERS_SETTING._replace(accounts_of=senders_wanted if accounts else 0)
    async with market(setting) as run:
        await run.open_users()
        with OrderSenders(run, senders_wanted, ORDERS_SETTING.gateways, crossing_orders(WIDTH)) as senders:
            await senders.open()
            await send(senders, trial.rate(COST_RATE), trial.wait(_WARMING_S))
            before = sum(run.cpu_used().values())
            report = (await send(senders, trial.rate(COST_RATE), trial.seconds)).checked()
            return 1e6 * (sum(run.cpu_used().values()) - before) / report.accepted


async def _highest(senders: OrderSenders, trial: Trial) -> float:
    """Try the rates from the highest on; 0 if none was sustained."""
    for rate in RATES:
        report = await send(senders, trial.rate(rate), trial.seconds)
        accepted = report.accepted / report.seconds
        if report.accepted == report.sent and accepted >= KEPT_UP_SHARE * trial.rate(rate):
            return accepted
    return 0.0


async def send(senders: OrderSenders, rate: float, seconds: float) -> OrdersReport:
    """Send at a rate, and return what became of it when all is answered."""
    senders.start(rate, seconds)
    return await senders.report(seconds)


async def _entries(trial: Trial) -> Point:
    setting = Setting(
        users=trial.users(1_000), gateways=2, listening_gateways=1, levels=1, latency="entered", warming_s=_WARMING_S
    )
    async with market(setting) as run:
        await run.open_users()
        with OrderSenders(run, trial.users(ENTRY_SENDERS), 1, [dated_order()]) as senders:
            await senders.open()
            return await _look_at_entries(run, senders, trial)


async def _look_at_entries(run: MarketRun, senders: OrderSenders, trial: Trial) -> Point:
    """Send for longer than the look, on both sides of it."""
    margin = trial.wait(_WARMING_S)
    seconds = trial.seconds + 2 * margin
    senders.start(ENTRY_RATE, seconds)
    await run.wait(margin)
    point = await run.look(trial.seconds)
    (await senders.report(seconds)).checked()
    assert point.latency_us.count, "no dated order was seen"
    return point


ENTRY: Final = Goal("entry", "from an order's entry at another gateway to each of 1,000 users, 50 a second", from_entry)
ORDERS: Final = Goal("orders", "order path through Redis, gateway to `accepted`", sustained)

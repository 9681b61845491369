"""The order path by the rate of orders: delay of the reply, and whose CPU an order costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from benchmarks.command import progress
from benchmarks.goals.order_path import ORDERS_SETTING, SENDERS, WIDTH, send
from benchmarks.goals.order_senders import OrderSenders, OrdersReport, crossing_orders
from benchmarks.market_run import market
from benchmarks.measure import spread
from benchmarks.table import Cell, Table

NAME: Final = "orders"
RATES: Final = (500, 1_000, 2_500, 5_000, 10_000, 20_000)


class Look(NamedTuple):
    """What one run at a rate came to."""

    report: OrdersReport
    used: dict[str, float]
    """CPU seconds of each role (`MarketRun.cpu_used`)."""

    def us(self, *roles: str) -> float:
        """CPU µs of some roles for one order sent."""
        return 1e6 * sum(self.used[role] for role in roles) / self.report.sent


COLUMNS: Final[dict[str, Callable[[Look], float]]] = {
    "accepted/s": lambda look: look.report.accepted / look.report.seconds,
    "p50 ms": lambda look: look.report.latency_us.p50 / 1000,
    "p99 ms": lambda look: look.report.latency_us.p99 / 1000,
    "gateways µs": lambda look: look.us("gateway user", "gateway system"),
    "engine µs": lambda look: look.us("engine"),
    "Redis µs": lambda look: look.us("redis"),
    "% refused": lambda look: 100 * (look.report.sent - look.report.accepted) / look.report.sent,
}


def measure(runs: int, seconds: float, rates: Sequence[int] = RATES, users: int = SENDERS) -> Table:
    """Return the table, a new market at each rate."""
    rows: list[list[Cell]] = []
    for rate in rates:
        progress(f"scaling: {rate} orders/s")
        looks = asyncio.run(_see(rate, runs, seconds, users))
        rows.append([rate, *(spread(map(column, looks)) for column in COLUMNS.values())])
    return Table(
        f"scaling-{NAME}",
        f"Orders of {users:,} users a second through {ORDERS_SETTING.gateways} gateways, in an open loop: half of them "
        f"rest at {WIDTH} prices, half trade with these. From when an order was due to its reply, and CPU µs an order. "
        "Beyond 4,096 orders on their way a gateway refuses more as busy.",
        ["orders/s", *COLUMNS],
        rows,
    )


async def _see(rate: int, runs: int, seconds: float, users: int) -> list[Look]:
    async with market(ORDERS_SETTING) as run:
        await run.open_users()
        with OrderSenders(run, users, ORDERS_SETTING.gateways, crossing_orders(WIDTH)) as senders:
            await senders.open()
            await send(senders, rate, min(1.0, seconds))
            looks = []
            for _ in range(runs):
                before = run.cpu_used()
                report = await send(senders, rate, seconds)
                after = run.cpu_used()
                looks.append(Look(report, {role: after[role] - before[role] for role in after}))
            return looks

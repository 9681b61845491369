"""Goals of the way out: what the fan-out costs as the market speeds up, and how late it is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Final

from benchmarks.goals.goal import Figure, Goal, Missing, Trial, at_least, at_most
from benchmarks.market_run import Point, Setting, open_market

USERS: Final = 1_000
CALM: Final = 500.0
"""Changes a second before a burst."""
BURST: Final = 20
"""Times as many in it."""
SLOW_PERCENT: Final = 10.0
SLOW_RATE: Final = 10_000.0
SLOW_LEVELS: Final = 1_000
"""A side; changes all over a deep book are hard to merge: some 90 kB a second for each user."""
FILLING_S: Final = 8.0
"""Until what is not read has filled the kernel's buffers of a connection, and the gateway begins to skip it."""
SLOW_SECONDS: Final = 14.0
"""Of the look after that: a user is aborted after having lagged for ten."""
UNSENT_KIB_MAX: Final = 512
"""A user's hard limit (`services.gateway.subscriber`), which bounds what a slow one may hold."""


def growth(trial: Trial) -> Sequence[Figure]:
    """Measure the gateway's CPU at 100 changes a second and at 10,000, in turn."""
    ratios = []
    for _ in range(trial.runs):
        calm, fast = (asyncio.run(_look(_hot(trial, rate), trial)) for rate in (100, 10_000))
        ratios.append(_gateway_cpu(fast) / max(_gateway_cpu(calm), 1e-9))
    return [at_most("times the CPU", ratios, 1.5)]


def latency(trial: Trial) -> Sequence[Figure] | Missing:
    """
    Measure the delay from publishing to every user at 50 updates a second.

    Judged twice: with a core each for gateway and users, as users elsewhere leave it to the gateway, and as the kernel
    places the two; in turn.
    """
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        return Missing("needs Linux and two cores")
    apart, together = [], []
    for _ in range(trial.runs):
        apart.append(asyncio.run(_look(_hot(trial, 50)._replace(is_apart=True), trial)))
        together.append(asyncio.run(_look(_hot(trial, 50), trial)))
    return [
        at_most(f"p{percent} ms, {how}", [getattr(point.latency_us, f"p{percent}") / 1000 for point in points], limit)
        for how, points in (
            ("gateway and users on a core each", apart),
            ("both where the kernel puts them", together),
        )
        for percent, limit in ((50, 4), (99, 10))
    ]


def burst(trial: Trial) -> Sequence[Figure]:
    """Measure while the market is BURST times as fast as before."""
    found = [asyncio.run(_burst(trial)) for _ in range(trial.runs)]
    return [
        at_most("p99 ms in the burst", [point.latency_us.p99 / 1000 for _, point in found], 100),
        at_most("disconnects", [float(point.disconnects) for _, point in found], 0),
        at_most(
            "times the RSS before", [point.gateway_rss_mib_max / calm.gateway_rss_mib for calm, point in found], 1.1
        ),
    ]


def never_reading(trial: Trial) -> Sequence[Figure]:
    """Measure the others' delay beside users that never read, and without them, in turn."""
    trial = trial._replace(seconds=trial.wait(SLOW_SECONDS))
    slow = trial.users(USERS) * SLOW_PERCENT / 100
    ratios, memory, aborted = [], [], []
    for _ in range(trial.runs):
        alone, _ = asyncio.run(_look_beside_slow(trial, 0.0))
        beside, count = asyncio.run(_look_beside_slow(trial, SLOW_PERCENT))
        ratios.append(beside.latency_us.p99 / max(alone.latency_us.p99, 1))
        memory.append(1024 * (beside.gateway_rss_mib_max - alone.gateway_rss_mib_max) / slow)
        aborted.append(100 * count / slow)
    return [
        at_most("times the others' p99", ratios, 1.2),
        at_most("KiB more RSS for each of them, at most", memory, UNSENT_KIB_MAX),
        at_least("% of them skipped and then aborted", aborted, 100),
    ]


def _hot(trial: Trial, rate: float) -> Setting:
    return Setting(users=trial.users(USERS), rate=rate, warming_s=trial.wait(1.0))


def _slow(trial: Trial, percent: float) -> Setting:
    levels = max(10, round(SLOW_LEVELS * trial.share))
    market = _hot(trial, trial.rate(SLOW_RATE))
    return market._replace(levels=levels, slow_percent=percent, warming_s=trial.wait(FILLING_S))


def _gateway_cpu(point: Point) -> float:
    return (point.gateway_user_s + point.gateway_system_s) / point.seconds


async def _look(setting: Setting, trial: Trial) -> Point:
    async with open_market(setting) as run:
        point = await run.look(trial.seconds)
        await run.settle()
        return point


async def _look_beside_slow(trial: Trial, percent: float) -> tuple[Point, float]:
    """Return a look, and how many users the gateway has aborted by its end: those that do not read never hear of it."""
    async with open_market(_slow(trial, percent)) as run:
        return await run.look(trial.seconds), await run.gateway_count("outcry_gateway_aborted_total")


async def _burst(trial: Trial) -> tuple[Point, Point]:
    """Return a look before the burst, and one that begins with it."""
    async with open_market(_hot(trial, CALM)) as run:
        before = await run.look(trial.seconds)
        run.set_rate(CALM * BURST)
        within = await run.look(trial.seconds)
        await run.settle()
        return before, within


GROWTH: Final = Goal("growth", "fan-out CPU as one book speeds up from 100 to 10,000 changes a second", growth)
LATENCY: Final = Goal("latency", "publish to every one of 1,000 users, 50 updates a second", latency)
BURSTING: Final = Goal("burst", f"the market bursts from {CALM:g} changes a second to {BURST} times that", burst)
SLOW: Final = Goal("slow", "10 % of 1,000 users never read, 10,000 changes a second", never_reading)

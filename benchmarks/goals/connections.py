"""Goals of connections: what an idle one costs, and how long it takes until everyone is live."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.goals.goal import Figure, Goal, Trial, at_least, at_most
from benchmarks.market_run import Setting, market

CONNECTIONS: Final = 10_000
KIB_MAX: Final = 16.0
HEARTBEATS_S: Final = 3.0
"""After the last connection: what opening took for a moment is given back, and heartbeats have gone out."""
LEVELS: Final = 1_000


class Held(NamedTuple):
    """What connections hold at the gateway."""

    connections: int
    rss_kib: float
    """Each."""
    uss_kib: float


def idle(trial: Trial) -> Sequence[Figure]:
    """Measure a gateway's memory before and after 10,000 users have come, who ask for nothing, or for one book."""
    idle = [asyncio.run(_held(trial, subscribes=False)) for _ in range(trial.runs)]
    following = [asyncio.run(_held(trial, subscribes=True)) for _ in range(trial.runs)]
    return [
        at_most("KiB of RSS each, idle", [held.rss_kib for held in idle], KIB_MAX),
        at_most("KiB of USS each, idle", [held.uss_kib for held in idle], KIB_MAX),
        at_most("KiB of RSS each, following one quiet book", [held.rss_kib for held in following], KIB_MAX),
        at_least("connections on one gateway", [float(held.connections) for held in idle], CONNECTIONS),
    ]


def opening(trial: Trial) -> Sequence[Figure]:
    """Measure from the first connect until the last of 1,000 users holds a verified book of 1,000 levels a side."""
    return [at_most("seconds until all are live", [asyncio.run(_opened(trial)) for _ in range(trial.runs)], 3)]


async def _held(trial: Trial, *, subscribes: bool) -> Held:
    users = trial.users(CONNECTIONS)
    async with market(Setting(users=users, subscribes=subscribes)) as run:
        [before] = run.memory()
        await run.open_users()
        await run.wait(trial.wait(HEARTBEATS_S))
        [after] = run.memory()
        report = run.users.report()
        return Held(
            report.open, 1024 * (after.rss - before.rss) / report.open, 1024 * (after.uss - before.uss) / report.open
        )


async def _opened(trial: Trial) -> float:
    users = trial.users(1_000)
    levels = max(10, round(LEVELS * trial.share))
    async with market(Setting(users=users, levels=levels, rate=50, opening=users)) as run:
        run.trade()
        await run.open_users()
        await run.settle()
        return run.open_s


IDLE: Final = Goal("memory", "memory per idle connection, 10,000 on one gateway", idle)
OPENING: Final = Goal("opening", "1,000 users open at once, each with a snapshot of 1,000 levels a side", opening)

"""The two tables: what a delivery costs, and how many book changes a second reach everybody in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from benchmarks.fan_out.contestant import Contestant
from benchmarks.fan_out.look import P99_MS_MAX, SHARE_MIN, Look
from benchmarks.fan_out.race import PROMPT_P99_MS, RATE, Effort, Results, Steady
from benchmarks.measure import spread
from benchmarks.table import Cell, Table

LIMIT: Final = "c-loop"
"""Whose CPU is 1."""
RIVAL: Final = "nats-server"
"""Whose conveyed changes are 1."""
NOTHING: Final = "-"
TIMES: Final = "\N{MULTIPLICATION SIGN}"

COST_COLUMNS: Final = (
    "server",
    "user µs",
    "system µs",
    "together µs",
    f"{TIMES} C loop",
    "helpers µs",
    "frames an update",
    "p50 ms",
    "p99 ms",
    "delivered %",
    "idle KiB",
    "highest rate",
)
CONVEYED_COLUMNS: Final = (
    "server",
    "millions conveyed/s",
    "changes/s to each",
    "messages/s to each",
    "p50 ms",
    "p99 ms",
    "server cores",
    f"{TIMES} {RIVAL}",
)


def cost(results: Results, effort: Effort) -> Table:
    """Return what a delivery costs."""
    rows = [
        _row(results, contestant, _cost_cells(results, contestant.name))
        for contestant in results.contestants
        if contestant.is_typical
    ]
    sizes = [steady.payload_bytes for runs in results.steady.values() for steady in runs.values()]
    return Table(
        "fan-out",
        f"One update to {effort.users:,} users {RATE:.0f} times a second, of {max(sizes, default=0):.0f} bytes; "
        f"{effort.seconds:g} s, {effort.runs} runs in turn. CPU per delivery is of the processes that hold the sockets,"
        " and a multiple of the C loop's in the same run; that of brokers, stores and publishers stands beside it "
        "(helpers). A server that gathers updates sends less than a frame for each. Delays are from publishing. Memory "
        "is what the process gains (PSS) with each idle connection; the kernel's is not in it. The highest rate is of "
        f"updates a second, in the first run or all, doubled every {effort.rung_s:g} s while {SHARE_MIN:.0%} were "
        f"delivered with p99 within {P99_MS_MAX:.0f} ms at one of two attempts. OpenOutcry is the whole "
        "exchange, an update is a book change, and every user checks sequence and digest.",
        COST_COLUMNS,
        rows,
    )


def conveyed(results: Results, effort: Effort, names: Iterable[str]) -> Table:
    """Return how many changes reach everybody in time, of some of the contestants."""
    chosen = [contestant for contestant in results.contestants if contestant.name in set(names)]
    rows = [_row(results, contestant, _conveyed_cells(results, contestant.name), 8) for contestant in chosen]
    return Table(
        "fan-out-conveyed",
        f"Changes of one book conveyed to {effort.users:,} users, p99 within {PROMPT_P99_MS:.0f} ms and "
        f"{SHARE_MIN:.0%} delivered: the highest rate found, by doubling and halving in, {effort.rung_s:g} s "
        f"each, two attempts at what failed, {effort.runs} runs. OpenOutcry merges changes into deltas, and its "
        "users check sequence and digest of each. The others get one message a change, of the size of a delta of one "
        "change. Their users check that none is missing.",
        CONVEYED_COLUMNS,
        rows,
    )


def _row(results: Results, contestant: Contestant, cells: list[Cell], columns: int = len(COST_COLUMNS)) -> list[Cell]:
    name = contestant.name
    title = f"**{contestant.title}**" if name.startswith("openoutcry") else contestant.title
    if why := results.absent.get(name):
        return [f"{name}: {why}", *([NOTHING] * (columns - 1))]
    if why := results.failed.get(name):
        title = f"{title} (failed: {why.splitlines()[0]})"
    return [title, *(cells or [NOTHING] * (columns - 1))]


def _cost_cells(results: Results, name: str) -> list[Cell]:
    runs = results.steady[name]
    if not runs:
        return []

    def over_runs(value: Callable[[Steady], float]) -> Cell:
        return spread(value(steady) for steady in runs.values())

    return [
        over_runs(lambda steady: steady.look.us_per_delivery(steady.look.servers.user_s)),
        over_runs(lambda steady: steady.look.us_per_delivery(steady.look.servers.system_s)),
        over_runs(lambda steady: _us(steady.look)),
        _ratio(results, name),
        over_runs(lambda steady: steady.look.us_per_delivery(steady.look.helpers.total_s)),
        over_runs(lambda steady: steady.look.frames / max(steady.look.updates, 1)),
        over_runs(lambda steady: steady.look.p50_ms),
        over_runs(lambda steady: steady.look.p99_ms),
        over_runs(lambda steady: min(100.0, 100 * steady.look.share)),
        over_runs(lambda steady: steady.idle_bytes / 1024),
        _highest(results, name),
    ]


def _us(look: Look) -> float:
    return look.us_per_delivery(look.servers.total_s)


def _ratio(results: Results, name: str) -> Cell:
    """Compare within each run: both had the same machine, at nearly the same time."""
    limits = results.steady.get(LIMIT, {})
    ratios = [
        _us(steady.look) / _us(limits[number].look)
        for number, steady in results.steady[name].items()
        if number in limits and _us(limits[number].look)
    ]
    return spread(ratios) if ratios else NOTHING


def _highest(results: Results, name: str) -> Cell:
    found = [ladder.highest(P99_MS_MAX) for ladder in results.ladders[name].values()]
    rates = [look.rate for look in found if look]
    return spread(rates) if rates else NOTHING


def _conveyed_cells(results: Results, name: str) -> list[Cell]:
    looks = _prompt(results, name)
    if not looks:
        return []

    def over_runs(value: Callable[[Look], float]) -> Cell:
        return spread(value(look) for look in looks.values())

    rivals = _prompt(results, RIVAL)
    ratios = [look.updates_per_s / rivals[number].updates_per_s for number, look in looks.items() if number in rivals]
    return [
        over_runs(lambda look: look.updates_per_s / 1e6),
        over_runs(lambda look: look.updates_per_s / look.users),
        over_runs(lambda look: look.frames / look.seconds / look.users),
        over_runs(lambda look: look.p50_ms),
        over_runs(lambda look: look.p99_ms),
        over_runs(lambda look: look.servers.total_s / look.seconds),
        spread(ratios) if ratios else NOTHING,
    ]


def _prompt(results: Results, name: str) -> dict[int, Look]:
    """Return the best look of each run that was within PROMPT_P99_MS."""
    ladders = results.ladders.get(name, {})
    found = {number: ladder.highest(PROMPT_P99_MS) for number, ladder in ladders.items()}
    return {number: look for number, look in found.items() if look}

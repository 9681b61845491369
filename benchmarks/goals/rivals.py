"""Goals that compare with others: judged by the tables of the same run.

`benchmarks.fan_out` and `benchmarks.engine` make them just before, and leave them in the file of results.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks.goals.goal import Figure, Goal, Missing, Trial, at_least, at_most
from benchmarks.measure import Spread
from benchmarks.table import Table, from_json

CPU_RIVALS: Final = ("nchan", "nats-server", "npm ws", "broadcast")
"""Parts of the names of those below whose CPU ours shall be."""
RIVAL: Final = "nats-server"
RATE: Final = "commands/s"
ENGINE_RIVAL: Final = "matching-engine"
PURE_PYTHON: Final = (ENGINE_RIVAL, "order-matching", "lightmatchingengine", "fastlob")
WAYS: Final = (
    "compiled: change and digest after each command",
    "compiled: change and digest after each 128",
    "orderbook, change and digest after each command",
    "orderbook, change and digest after each 128",
)
"""How often our book tells its changes: alone, and as in a packet under load; compiled, if it was, and as sources."""
Judge: TypeAlias = Callable[[Mapping[str, Table]], Sequence[Figure]]


class NotInResults(Exception):
    """A table, a row or a figure that is not there; the text says which."""


def read_results(path: Path) -> dict[str, Table]:
    """Return the tables of a file of results by name; none if there is no such file."""
    if not path.exists():
        return {}
    tables = map(from_json, json.loads(path.read_text(encoding="utf-8"))["tables"])
    return {table.name: table for table in tables}


def goals(results: Mapping[str, Table]) -> list[Goal]:
    """Return the goals that these results decide."""
    return [Goal(name, text, _by_results(judge, results)) for name, text, judge in JUDGES]


def _by_results(judge: Judge, results: Mapping[str, Table]) -> Callable[[Trial], Sequence[Figure] | Missing]:
    def measure(_: Trial) -> Sequence[Figure] | Missing:
        try:
            return judge(results)
        except NotInResults as error:
            return Missing(f"{error} (make bench measures it first)")

    return measure


def _delivery(results: Mapping[str, Table]) -> Sequence[Figure]:
    return [Figure("µs of user CPU", _found(results, "fan-out", "openoutcry", "user µs"), 1)]


def _beside_c(results: Mapping[str, Table]) -> Sequence[Figure]:
    table, column = "fan-out", "together µs"
    ours = _found(results, table, "openoutcry", column).median
    best = min(_found(results, table, name, column).median for name in _present(results, table, CPU_RIVALS, column))
    return [
        Figure("times the C loop", _found(results, "fan-out", "openoutcry", "C loop"), 1.35),
        at_most(f"times the least of {', '.join(CPU_RIVALS)}", [ours / best], 1),
    ]


def _conveyed(results: Mapping[str, Table]) -> Sequence[Figure]:
    table = "fan-out-conveyed"
    return [
        Figure("millions a second", _found(results, table, "openoutcry", "millions conveyed/s"), 10, is_floor=True),
        Figure(f"times {RIVAL}", _found(results, table, "openoutcry", RIVAL), 5, is_floor=True),
    ]


def _not_later(results: Mapping[str, Table]) -> Sequence[Figure]:
    def ratio(column: str) -> float:
        ours, theirs = (_found(results, "fan-out", name, column).median for name in ("openoutcry", RIVAL))
        return ours / theirs

    return [at_most(f"times {RIVAL}'s {column[:3]}", [ratio(column)], 1) for column in ("p50 ms", "p99 ms")]


def _engine(results: Mapping[str, Table]) -> Sequence[Figure]:
    """Compare under the same Python: ours runs under its own and under that of the peers."""
    table = "engine-own-generator"
    theirs = _found(results, table, ENGINE_RIVAL, RATE).median
    return [
        at_least(f"times {ENGINE_RIVAL}, {way}", [_ours(results, table, way) / theirs], 1.2)
        for way in _present(results, table, WAYS, RATE)
    ]


def _pure_python(results: Mapping[str, Table]) -> Sequence[Figure]:
    table = "engine-synthetic"
    best = max(_found(results, table, name, RATE).median for name in _present(results, table, PURE_PYTHON, RATE))
    return [
        at_least(f"times the best of them, {way}", [_ours(results, table, way) / best], 1)
        for way in _present(results, table, WAYS, RATE)
    ]


def _ours(results: Mapping[str, Table], table: str, way: str) -> float:
    python = next(str(row[1]) for row in results[table].rows if ENGINE_RIVAL in str(row[0]))
    return _found(results, table, way, RATE, python).median


JUDGES: Final[Sequence[tuple[str, str, Judge]]] = (
    ("delivery", "gateway user-space CPU per delivery, one update a frame", _delivery),
    ("beside-c", "gateway total CPU per delivery at 100 frames/s", _beside_c),
    ("conveyed", "book changes conveyed to 1,000 users, p99 within 25 ms", _conveyed),
    ("beside-nats", "delay at 100 updates/s to 1,000 users, beside nats-server", _not_later),
    ("engine", "engine core beside matching-engine on its own generator's flow", _engine),
    ("engine-peers", "engine core beside every pure-Python peer on the synthetic flow", _pure_python),
)


def _present(results: Mapping[str, Table], table: str, names: Sequence[str], column: str) -> list[str]:
    """Return which of several rivals were measured; one must be."""
    found = [name for name in names if _spreads(results, table, name, column)]
    if not found:
        raise NotInResults(f"none of {', '.join(names)} was measured")
    return found


def _found(results: Mapping[str, Table], table: str, name: str, column: str, python: str = "") -> Spread:
    """
    Return a figure of the row whose name contains `name`, under a Python; the greatest, if several do.

    The column's name ends with `column`: what it is a ratio to, for ratios.
    """
    spreads = _spreads(results, table, name, column, python)
    if not spreads:
        raise NotInResults(f"table {table} has no {column} of {name}")
    return max(spreads, key=lambda spread: spread.median)


def _spreads(results: Mapping[str, Table], table: str, name: str, column: str, python: str = "") -> list[Spread]:
    if table not in results:
        raise NotInResults(f"there is no table {table}")
    place = next(place for place, title in enumerate(results[table].columns) if title.endswith(column))
    rows = [row for row in results[table].rows if name in str(row[0]).lower() and (not python or row[1] == python)]
    return [cell for row in rows if isinstance(cell := row[place], Spread)]

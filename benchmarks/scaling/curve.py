"""The curves: which settings, and what of each is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from benchmarks.market_run import Point, Setting
from benchmarks.measure import spread
from benchmarks.table import Cell, Table


class Sight(NamedTuple):
    """What was seen of one setting: how long opening took, and several looks at the running market."""

    open_s: float
    points: Sequence[Point]


class Curve(NamedTuple):
    """One quantity that grows."""

    name: str
    axis: str
    """The first column."""
    title: str
    settings: Mapping[int, Setting]

    def table(self, sights: Mapping[int, Sight]) -> Table:
        """Return the table of what was seen at each of its values."""
        rows: list[list[Cell]] = [
            [x, sight.open_s, *(spread(map(column, sight.points)) for column in COLUMNS.values())]
            for x, sight in sights.items()
        ]
        return Table(f"scaling-{self.name}", f"{self.title} {_LEGEND}", [self.axis, "open s", *COLUMNS], rows)


_LEGEND: Final = (
    "Median of the looks ± half the distance between the quartiles. CPU is seconds a second, of all gateways and of "
    "the engine, or µs for each frame delivered; the C users' is what reading and checking a frame costs. "
    "`open s`: first connect until the last user was in sync. `lost`: connections."
)

COLUMNS: Final[dict[str, Callable[[Point], float]]] = {
    "p50 ms": lambda point: point.latency_us.p50 / 1000,
    "p99 ms": lambda point: point.latency_us.p99 / 1000,
    "frames/s": lambda point: point.frames / point.seconds,
    "conveyed/s": lambda point: point.updates / point.seconds,
    "MB/s": lambda point: point.bytes / point.seconds / 1e6,
    "gateways user": lambda point: point.gateway_user_s / point.seconds,
    "gateways system": lambda point: point.gateway_system_s / point.seconds,
    "user µs a frame": lambda point: 1e6 * point.gateway_user_s / max(point.frames, 1),
    "system µs a frame": lambda point: 1e6 * point.gateway_system_s / max(point.frames, 1),
    "engine": lambda point: point.engine_s / point.seconds,
    "C user µs a frame": lambda point: 1e6 * point.users_s / max(point.frames, 1),
    "MiB a gateway": lambda point: point.gateway_rss_mib,
    "lost": lambda point: point.disconnects,
}
"""Of a table, after the axis and the time to open; each from one look."""

USERS: Final = Curve(
    "users",
    "users",
    "Users of one book that changes 10 times a second, from four source addresses, at two gateways.",
    {users: Setting(users=users, rate=10, gateways=2) for users in (100, 300, 1_000, 3_000, 10_000)},
)
UPDATES: Final = Curve(
    "updates",
    "changes/s",
    "Changes of one book a second, 1,000 users at one gateway.",
    {rate: Setting(rate=rate) for rate in (10, 100, 1_000, 5_000, 20_000)},
)
GATEWAYS: Final = Curve(
    "gateways",
    "gateways",
    "Gateways that share 1,000 users of one book, which changes 1,000 times a second.",
    {gateways: Setting(rate=1_000, gateways=gateways) for gateways in (1, 2, 3, 4)},
)
DEPTH: Final = Curve(
    "depth",
    "levels a side",
    "Depth of one book, 100 changes a second of one level each anywhere in it, 500 users at one gateway.",
    {levels: Setting(users=500, rate=100, levels=levels) for levels in (10, 100, 1_000, 5_000)},
)
INSTRUMENTS: Final = Curve(
    "instruments",
    "instruments",
    "Instruments that share 1,000 changes a second, each of 200 users at one gateway following all of them.",
    {instruments: Setting(users=200, rate=1_000, instruments=instruments) for instruments in (1, 10, 100, 1_000)},
)
CURVES: Final = {curve.name: curve for curve in (USERS, UPDATES, GATEWAYS, DEPTH, INSTRUMENTS)}


def tiny(curve: Curve) -> Curve:
    """Return the curve's first point with few users."""
    x, setting = next(iter(curve.settings.items()))
    return curve._replace(settings={x: setting._replace(users=10, warming_s=0.1)})

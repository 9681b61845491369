"""One look at a running demo: what a screen shows, and nothing of how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from openoutcry.wire.instrument import Instrument


class Moment(NamedTuple):
    """The figures of now; rates are those since the moment before."""

    phase: str
    elapsed: float
    """Seconds since the measurement began."""
    remaining: str
    """How far it is, in words: `12 of 30 s`, `41 % of the file`, `until Ctrl-C`."""
    users: int
    whole: int
    """Users who are connected and trust every book."""
    connections: Sequence[int]
    """Open connections by gateway."""
    published: float
    """Book changes a second by the engine."""
    delivered: float
    """Book changes a second, summed over users."""
    frames: float
    """Frames a second, summed over users."""
    trades: float
    latency_ms: Mapping[str, float]
    counts: Mapping[str, int]
    """`LoadCounts` since the measurement began."""
    market: Mapping[str, Any]
    """Books and trades as one verifying user holds them (`outcry.load.__main__.view`)."""
    listing: Mapping[str, Instrument]
    """Definitions by symbol, to show prices as money; of what is not here, prices are shown in cents."""
    lost_gateways: Sequence[str]

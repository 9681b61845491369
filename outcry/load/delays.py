"""Every kind of delay that users measure, beside the delivery of book deltas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from outcry.load.latency import LatencyRecorder

MEANINGS: Final[Mapping[str, str]] = {
    "top": "engine's publishing to receipt of a `top` window that changed",
    "ticker": "engine's publishing to receipt of a ticker that changed; its interval included",
    "last_hop": "gateway's clock in a heartbeat to its receipt: the way from the gateway's write to the client",
    "opening": "wish to connect to the last book in sync, a user's first connection; refused attempts included",
    "recovery": "a connection's end to the last book confirmed or in sync again; the client's own wait included",
    "accepted": "intended time of an order to its accepting reply: corrected for coordinated omission",
    "accepted_service": "actual sending of an order to its accepting reply: not corrected",
    "executed": "intended time of an order to its first execution message",
    "cancelled": "intended time of a cancel to its reply",
}
"""Name to what it measures."""


class Delays:
    """One recorder a kind, µs."""

    __slots__ = tuple(MEANINGS)

    def __init__(self) -> None:
        self.top = LatencyRecorder()
        self.ticker = LatencyRecorder()
        self.last_hop = LatencyRecorder()
        self.opening = LatencyRecorder()
        self.recovery = LatencyRecorder()
        self.accepted = LatencyRecorder()
        self.accepted_service = LatencyRecorder()
        self.executed = LatencyRecorder()
        self.cancelled = LatencyRecorder()

    def take(self) -> dict[str, str]:
        """Return what was recorded since the last time, encoded (`latency.add_encoded`), by name; no empty ones."""
        taken = {name: getattr(self, name).take() for name in MEANINGS}
        return {name: encoded for name, encoded in taken.items() if encoded}

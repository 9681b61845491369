"""Delays of many users, recorded for next to nothing and summed into one HDR histogram.

A delay is the time from the engine's publishing to the client's receipt, on one machine's clock. Recording is an
append; the histogram, slow in Python, sees each distinct value once.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from hdrh.histogram import HdrHistogram

RESOLUTION_US: Final = 10
LATENCY_US_MAX: Final = 3_600_000_000
"""An hour; longer delays count as this."""
SIGNIFICANT_FIGURES: Final = 3
PENDING_MAX: Final = 1 << 16
"""Delays held before they are counted; about 2 MiB."""


def new_histogram() -> HdrHistogram:
    """Return an empty histogram of microseconds."""
    return HdrHistogram(1, LATENCY_US_MAX, SIGNIFICANT_FIGURES)


def add_encoded(histogram: HdrHistogram, encoded: str) -> None:
    """Add what `LatencyRecorder.take` returned."""
    if encoded:
        histogram.decode_and_add(encoded.encode())


class LatencyRecorder:
    """Delays since the last `take`."""

    __slots__ = ("_histogram", "_pending")

    def __init__(self) -> None:
        self._histogram = new_histogram()
        self._pending: list[int] = []

    def record(self, delay_us: int) -> None:
        """Record one delay; O(1)."""
        self._pending.append(delay_us)
        if len(self._pending) >= PENDING_MAX:
            self._count()

    def take(self) -> str:
        """Return what was recorded since the last time, encoded for `add_encoded`, and forget it; "" if nothing."""
        self._count()
        if not self._histogram.get_total_count():
            return ""
        encoded: bytes = self._histogram.encode()
        self._histogram.reset()
        return encoded.decode()

    def _count(self) -> None:
        # Two Counters: the first counts in C, the second has few enough values for the histogram.
        rounded: Counter[int] = Counter()
        for delay_us, count in Counter(self._pending).items():
            rounded[delay_us // RESOLUTION_US] += count
        for tens, count in rounded.items():
            self._histogram.record_value(min(max(tens * RESOLUTION_US, 1), LATENCY_US_MAX), count)
        self._pending.clear()

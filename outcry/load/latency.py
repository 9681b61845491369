"""Delays of many users, recorded for next to nothing and summed into one HDR histogram.

A delay is the time from the engine's publishing to the client's receipt, on one machine's clock. Recording is an
append. Records are counted in small portions, in steps of a few thousandths, and go to the supervisor as counts. A
histogram filled in Python, or a second's delays counted at once, would delay the users of the process by tens of
milliseconds. That would be measured as the server's delay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from hdrh.histogram import HdrHistogram

RESOLUTION_US: Final = 10
LATENCY_US_MAX: Final = 3_600_000_000
"""An hour; longer delays count as exactly this."""
SIGNIFICANT_FIGURES: Final = 3
PENDING_MAX: Final = 4096
"""Delays held before they are counted, which takes a millisecond in which no user is served."""
PRECISION_BITS: Final = 9
"""Delays are counted to a 512th of their power of two: 0.2 to 0.4 %."""
PERCENTILES: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}
CURVE_POINTS_PER_HALVING: Final = 5
"""Of a percentile curve: points between 50 and 75 %, 75 and 87.5 %, and so on."""


def new_histogram() -> HdrHistogram:
    """Return an empty histogram of microseconds."""
    return HdrHistogram(1, LATENCY_US_MAX, SIGNIFICANT_FIGURES)


def add_encoded(histogram: HdrHistogram, encoded: str) -> None:
    """Add what `LatencyRecorder.take` returned; some µs for each of its steps."""
    for step in encoded.split(",") if encoded else ():
        delay_us, _, count = step.partition(":")
        histogram.record_value(int(delay_us), int(count))


def latency_ms(histogram: HdrHistogram) -> dict[str, float]:
    """Return a histogram of microseconds as percentiles in milliseconds; zeros if it is empty."""
    shown = {name: percentile_ms(histogram, percent) for name, percent in PERCENTILES.items()}
    return {**shown, "max": percentile_ms(histogram, 100.0)}


def percentile_ms(histogram: HdrHistogram, percent: float) -> float:
    """
    Return a percentile in milliseconds, 100 for the longest; 0 if the histogram is empty.

    A histogram answers with the upper end of a step, which for an hour lies 1.9 s beyond it.
    """
    longest: int = histogram.get_value_at_percentile(percent)
    return min(longest, LATENCY_US_MAX) / 1000


def latency_figures(histogram: HdrHistogram) -> dict[str, float]:
    """Return `latency_ms`, the mean, and how many there were."""
    count = histogram.get_total_count()
    mean = min(histogram.get_mean_value(), LATENCY_US_MAX) / 1000 if count else 0.0
    return {"count": count, "mean": round(mean, 3), **latency_ms(histogram)}


def percentile_curve(histogram: HdrHistogram) -> list[tuple[float, float]]:
    """
    Return (percentile, ms) from 0 on, ever closer to 100 as far as the number of delays carries.

    The shape of HdrHistogram's own plots: even steps of 1 / (1 - percentile) on a logarithmic axis.
    """
    count = histogram.get_total_count()
    curve, step = [], 0
    while count and (left := 0.5 ** (step / CURVE_POINTS_PER_HALVING)) * count >= 1:
        percent = 100 * (1 - left)
        curve.append((percent, percentile_ms(histogram, percent)))
        step += 1
    return curve


def difference(after: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """Subtract counters that only grow."""
    return {name: value - before.get(name, 0) for name, value in after.items()}


class LatencyRecorder:
    """Delays since the last `take`."""

    __slots__ = ("_counts", "_pending", "below_zero")

    def __init__(self) -> None:
        self.below_zero = 0
        """Delays below 0 so far: two clocks that do not agree. They count as the shortest."""
        self._counts: dict[int, int] = {}
        self._pending: list[int] = []

    def record(self, delay_us: int) -> None:
        """Record one delay; O(1)."""
        self._pending.append(delay_us)
        if len(self._pending) >= PENDING_MAX:
            self._count()

    def take(self) -> str:
        """Return what was recorded since the last time, encoded for `add_encoded`, and forget it; "" if nothing."""
        self._count()
        counts, self._counts = self._counts, {}
        return ",".join(f"{delay_us}:{count}" for delay_us, count in counts.items())

    def _count(self) -> None:
        counts = self._counts
        for delay_us, count in Counter(self._pending).items():  # Counting equal ones runs in C.
            if delay_us < 0:
                self.below_zero += count
            rounded = _rounded(delay_us)
            counts[rounded] = counts.get(rounded, 0) + count
        self._pending.clear()


def _rounded(delay_us: int) -> int:
    """Return the middle of a delay's step: RESOLUTION_US wide, or of the delay by 2**PRECISION_BITS if that is more."""
    tens = min(max(delay_us, 0), LATENCY_US_MAX) // RESOLUTION_US
    shift = max(0, tens.bit_length() - PRECISION_BITS)
    middle = (((tens >> shift) << shift) + (1 << shift >> 1)) * RESOLUTION_US or 1
    return min(middle, LATENCY_US_MAX)

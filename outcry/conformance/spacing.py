"""Whether updates came at the requested interval.

A receiver sees the sender's times through a jitter, so single distances prove nothing: a late update is followed by a
short distance. Any n consecutive distances together, though, cannot be shorter than n intervals by more than the
jitter of the first.
"""

from __future__ import annotations

from collections.abc import Sequence

from outcry.conformance.expectation import Failed


def check_spacing(times: Sequence[float], interval_s: float, jitter_s: float) -> None:
    """
    Check that no run of updates is denser than one an interval; O(n²) for n times.

    Args:
        times: When updates came, monotonic seconds, ascending.
        interval_s: Shortest time between two, as sent.
        jitter_s: How late an update may have come.

    Raises:
        Failed: Names the densest run.
    """
    worst, text = 0.0, ""
    for first, began in enumerate(times):
        for last in range(first + 1, len(times)):
            count = last - first
            early = count * interval_s - (times[last] - began)
            if early > worst:
                worst = early
                text = f"{count + 1} updates came within {(times[last] - began) * 1000:.0f} ms"
    if worst > jitter_s:
        raise Failed(f"{text}, with an interval of {interval_s * 1000:.0f} ms")

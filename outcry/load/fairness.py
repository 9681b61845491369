"""Do all users get changes equally early? Each user's own mean delay, and the spread of these means.

A percentile of all delays does not show it: it is the same whether each user is sometimes early and sometimes late, or
the same users are always early. Compared are users of one gateway, who follow equally many books; users of different
load processes differ by what their process costs, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

MEANING: Final = (
    "users' own mean delivery: 5th, 50th and 95th percentile over users, and by how much the 95th is above the 5th"
)


class UserMean(NamedTuple):
    """One user's deliveries."""

    gateway: int
    """Index of the gateway that the user is connected to."""
    sum_us: int
    deliveries: int


def fairness(users: Iterable[Sequence[int]], urls: Sequence[str]) -> dict[str, Any]:
    """
    Return the spread over all users, and by gateway.

    Args:
        users: A `UserMean` each; those without a delivery are left out.
        urls: Gateways by index.

    Returns:
        `users`, `p5_ms`, `p50_ms`, `p95_ms`, `spread_percent` (the 95th above the 5th, in percent of the 5th), and the
        same by URL in `gateways`; empty without deliveries.
    """
    by_gateway: dict[int, list[float]] = {}
    for gateway, sum_us, deliveries in users:
        if deliveries:
            by_gateway.setdefault(gateway, []).append(sum_us / deliveries / 1000)
    everybody = [mean for means in by_gateway.values() for mean in means]
    if not everybody:
        return {}
    found = {urls[gateway]: _spread(means) for gateway, means in sorted(by_gateway.items())}
    return {**_spread(everybody), "gateways": found}


def worst(found: Mapping[str, Any]) -> float:
    """Return the largest spread of a gateway's users, percent."""
    spread: float = max(each["spread_percent"] for each in found["gateways"].values())
    return spread


def _spread(means: Sequence[float]) -> dict[str, float]:
    ordered = sorted(means)
    low, middle, high = (_percentile(ordered, percent) for percent in (5, 50, 95))
    return {
        "users": len(ordered),
        "p5_ms": round(low, 4),
        "p50_ms": round(middle, 4),
        "p95_ms": round(high, 4),
        "spread_percent": round(100 * (high - low) / low, 2) if low > 0 else 0.0,
    }


def _percentile(ordered: Sequence[float], percent: float) -> float:
    """Interpolate between the two nearest."""
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

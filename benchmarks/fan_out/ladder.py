"""The highest rate that a contestant sustains: doubled until it fails twice, then halved in, in a bounded time."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeAlias

from benchmarks.fan_out.look import P99_MS_MAX, Look

RUNGS_MAX: Final = 10
"""Rates tried upwards."""
HALVINGS_MAX: Final = 3
"""When the first rate is too high already."""
REFINEMENTS: Final = 2
"""Rates tried between the highest good and the lowest bad: each is their geometric mean."""

Try: TypeAlias = Callable[[float], Awaitable[Look]]


class Ladder(NamedTuple):
    """All rates that were tried."""

    looks: list[Look]

    def highest(self, p99_ms: float) -> Look | None:
        """Return the best sustained look within a delay; None if there is none."""
        good = [look for look in self.looks if look.sustains(p99_ms)]
        return max(good, key=lambda look: look.rate, default=None)

    def lowest_bad(self, p99_ms: float) -> float | None:
        """Return the lowest rate above the highest good one that is not sustained; None if none was tried."""
        good = self.highest(p99_ms)
        bad = [look.rate for look in self.looks if not look.sustains(p99_ms) and (not good or look.rate > good.rate)]
        return min(bad, default=None)


async def climb(attempt: Try, first_rate: float, rungs_max: int = RUNGS_MAX) -> Ladder:
    """Double the rate until it is not sustained, tried twice; if the first is not, halve it until it is."""
    ladder = Ladder([await _insist(attempt, first_rate, P99_MS_MAX)])
    if not ladder.looks[0].sustains():
        return await descend(ladder, attempt, P99_MS_MAX)
    while ladder.looks[-1].sustains() and len(ladder.looks) < rungs_max:
        ladder.looks.append(await _insist(attempt, 2 * ladder.looks[-1].rate, P99_MS_MAX))
    return ladder


async def descend(ladder: Ladder, attempt: Try, p99_ms: float) -> Ladder:
    """Halve the lowest rate until one is sustained within a delay."""
    looks = ladder.looks.copy()
    for _ in range(HALVINGS_MAX):
        if Ladder(looks).highest(p99_ms) is not None:
            break
        looks.append(await attempt(min(look.rate for look in looks) / 2))
    return Ladder(looks)


async def refine(ladder: Ladder, attempt: Try, p99_ms: float) -> Ladder:
    """Try rates between what is sustained within a delay and what is not."""
    looks = (await descend(ladder, attempt, p99_ms)).looks
    for _ in range(REFINEMENTS):
        good, bad = Ladder(looks).highest(p99_ms), Ladder(looks).lowest_bad(p99_ms)
        if good is not None and bad is not None:
            looks.append(await _insist(attempt, math.sqrt(good.rate * bad), p99_ms))
    return Ladder(looks)


async def _insist(attempt: Try, rate: float, p99_ms: float) -> Look:
    """Try a rate, and once more if it is not sustained: one hiccup of the machine does not end a search."""
    look = await attempt(rate)
    return look if look.sustains(p99_ms) else await attempt(rate)

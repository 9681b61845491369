"""Which fault comes next: chance with a seed, so that a run can be repeated as far as processes can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from outcry.chaos.fault import Blow, ChaosFault, Part, Strike

WAIT_SECONDS: Final = (1.0, 3.0)
"""From the recovery from one fault to the next one."""
DEAD_SECONDS: Final = (0.2, 1.5)
"""Until a killed part is started again."""
FROZEN_SECONDS: Final = (0.5, 4.0)
"""Shorter and longer than a leader's lease, a gateway's patience with the feed, and a user's with a gateway."""
PAIR_SHARE: Final = 0.2
"""Share of faults that meet two parts at the same moment."""


class FaultSchedule:
    """
    An endless row of faults.

    Every kind comes once before any comes again, in an order of chance, so that a short run meets each of them.

    Args:
        seed: The same seed gives the same row.
        parts: What there is to hurt.
        gateways: How many there are.
    """

    def __init__(self, seed: int, parts: Sequence[Part], gateways: int) -> None:
        self._random = Random(seed)  # noqa: S311 - faults, not secrets
        self._targets = [
            (blow, part, place)
            for part in parts
            for place in (range(gateways) if part is Part.GATEWAY else range(1))
            for blow in Blow
        ]

    def faults(self) -> Iterator[ChaosFault]:
        """Yield faults without end."""
        while True:
            row = self._targets.copy()
            self._random.shuffle(row)
            while row:
                strikes = [self._strike(*row.pop())]
                if row and row[-1][1:] != (strikes[0].part, strikes[0].place) and self._random.random() < PAIR_SHARE:
                    strikes.append(self._strike(*row.pop()))
                yield ChaosFault(self._random.uniform(*WAIT_SECONDS), tuple(strikes))

    def _strike(self, blow: Blow, part: Part, place: int) -> Strike:
        seconds = self._random.uniform(*(DEAD_SECONDS if blow is Blow.KILL else FROZEN_SECONDS))
        return Strike(blow, part, place, seconds)

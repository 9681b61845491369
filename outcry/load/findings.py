"""What a measurement gathers on its way: histograms, the time series, the phases between happenings."""

from __future__ import annotations

from typing import Final

from hdrh.histogram import HdrHistogram

from outcry.load.delays import MEANINGS
from outcry.load.latency import latency_figures, new_histogram
from outcry.load.look import LoadStatistics
from outcry.load.report import LoadPhase, Point


class Findings:
    """Grows with every look."""

    def __init__(self) -> None:
        self.latency: Final = new_histogram()
        """Delivery of deltas while it was measured, µs."""
        self.delays: Final = {name: new_histogram() for name in MEANINGS}
        """The others while it was measured, µs; `opening` from before."""
        self.points: Final[list[Point]] = []
        self._phases: list[tuple[str, float, HdrHistogram]] = [("all of it", 0.0, new_histogram())]

    def add_opening(self, seen: LoadStatistics) -> None:
        """Add what was seen while users connected."""
        self.delays["opening"].add(seen.delays["opening"])

    def add(self, point: Point, seen: LoadStatistics) -> None:
        """Add a step of the measurement."""
        self.points.append(point)
        self.latency.add(seen.latency)
        self._phases[-1][2].add(seen.latency)
        for name, histogram in self.delays.items():
            histogram.add(seen.delays[name])

    def begin_phase(self, at: float, deed: str) -> None:
        """Begin a phase after an action, `at` seconds after the beginning."""
        if len(self._phases) == 1:
            self._phases[0] = (f"until {deed}", *self._phases[0][1:])
        self._phases.append((f"after {deed}", at, new_histogram()))

    def phases(self, seconds: float) -> list[LoadPhase]:
        """Return the phases of a measurement of so many seconds."""
        ends = [*(begin for _, begin, _ in self._phases[1:]), seconds]
        return [
            LoadPhase(name, round(begin, 3), round(end, 3), latency_figures(histogram))
            for (name, begin, histogram), end in zip(self._phases, ends, strict=True)
        ]

"""The results of a run."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from typing import NamedTuple

from outcry.conformance.check import Check


class CheckVerdict(enum.StrEnum):
    """What came of one check."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SKIP = "skip"


class Result(NamedTuple):
    """One check, carried out."""

    check: Check
    verdict: CheckVerdict
    text: str
    """What was seen; of a failure, what was wanted too; of a skip, why."""
    seconds: float
    attempts: int
    """More than one if somebody else's orders came between."""


class ConformanceReport(NamedTuple):
    """A run against one exchange."""

    urls: Sequence[str]
    instrument: str
    """Where the orders were placed."""
    results: Sequence[Result]
    """In the order of the checks."""
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether something was proven and nothing failed."""
        return self.count(CheckVerdict.PASS) > 0 and not self.count(CheckVerdict.FAIL)

    def count(self, verdict: CheckVerdict) -> int:
        """Return how many checks ended so."""
        return sum(result.verdict is verdict for result in self.results)

    def failed(self) -> list[Result]:
        """Return the failures."""
        return [result for result in self.results if result.verdict is CheckVerdict.FAIL]

    def to_json(self) -> str:
        """Return the report as JSON for files."""
        document = {
            "urls": list(self.urls),
            "instrument": self.instrument,
            "seconds": round(self.seconds, 3),
            "is_good": self.is_good,
            "counts": {verdict.value: self.count(verdict) for verdict in CheckVerdict},
            "checks": [_row(result) for result in self.results],
        }
        return json.dumps(document, indent=2) + "\n"


def _row(result: Result) -> dict[str, object]:
    return {
        "name": result.check.name,
        "verdict": result.verdict.value,
        "seen": result.text,
        "proves": result.check.sentence,
        "section": result.check.anchor,
        "seconds": round(result.seconds, 3),
        "attempts": result.attempts,
    }

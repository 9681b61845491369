"""What the reports of all runs have in common: a verdict, its reasons, and a file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """The end of a run."""

    verdict: str
    """`ok` or `failed`; what else it may be, a kind of run says."""
    complaints: Sequence[str]
    """What was wrong, in words; not of every book, but of the first few."""

    @property
    def is_good(self) -> bool:
        """Whether the verdict is good."""
        return self.verdict == "ok"

    def to_json(self) -> str:
        """Return the report as JSON for files."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

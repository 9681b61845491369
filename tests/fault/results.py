"""What came of the cases: as JSON, and as the table of docs/reliability.md."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

BEGIN: Final = "<!-- faults:begin -->\n"
END: Final = "<!-- faults:end -->\n"
"""Of the table, in the document that holds it."""


class Row(NamedTuple):
    """One case."""

    fault: str
    tried: int
    lost: int
    """Acknowledged orders that are not in the final history, without an announcement."""
    duplicated: int
    announced_lost: int
    """Lost with the store, and a new epoch said so."""
    wrong: int
    """Books of users that are not the engine's."""
    first_order_ms: Sequence[float]
    """One a try: until an order sent since was acknowledged."""
    recovery_ms: Sequence[float]
    """One a try: until every user's books were live again."""
    complaints: Sequence[str]
    """What is not as it should be, in words."""
    skipped: str = ""
    """Why it was not tried."""

    @property
    def is_good(self) -> bool:
        """Whether it holds what is promised."""
        return not (self.lost or self.duplicated or self.wrong or self.complaints)


class Results(NamedTuple):
    """A run of `make fault`."""

    users: int
    traders: int
    acknowledged: int
    machine: str
    rows: Sequence[Row]

    @property
    def is_good(self) -> bool:
        """Whether every case is good, and any was tried."""
        return all(row.is_good for row in self.rows) and any(row.tried for row in self.rows)

    def to_json(self) -> str:
        """Return it as JSON for files."""
        return json.dumps({**self._asdict(), "rows": [row._asdict() for row in self.rows]}, indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read what `to_json` wrote."""
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**found, "rows": [Row(**row) for row in found["rows"]]})


def table(results: Results) -> str:
    """Return the Markdown table of docs/reliability.md."""
    head = ("fault", "tried", "lost", "duplicated", "wrong books", "first order, s", "recovered, s (p50, max)")
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(_cells(row))} |" for row in results.rows]
    tail = (
        f"{results.users} users who check every digest, {results.traders} traders, {results.acknowledged:,} "
        f"acknowledged orders; {results.machine}."
    )
    return "\n".join([*lines, "", tail]) + "\n"


def placed(document: str, text: str) -> str:
    """
    Return a document with the text between its markers.

    Raises:
        ValueError: If it has none.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no {BEGIN.strip()} with an {END.strip()} after it")
    return f"{before}{begin}{text}{end}{after}"


def _cells(row: Row) -> tuple[str, ...]:
    if row.skipped:
        return (row.fault, f"not tried: {row.skipped}", *[""] * 5)
    lost = str(row.lost) if not row.announced_lost else f"{row.lost} (and {row.announced_lost} announced)"
    return (row.fault, str(row.tried), lost, str(row.duplicated), str(row.wrong), _median(row.first_order_ms),
            f"{_median(row.recovery_ms)}, {_most(row.recovery_ms)}")  # fmt: skip


def _median(figures: Sequence[float]) -> str:
    return f"{statistics.median(figures) / 1000:.2f}" if figures else "never"


def _most(figures: Sequence[float]) -> str:
    return f"{max(figures) / 1000:.2f}" if figures else "never"

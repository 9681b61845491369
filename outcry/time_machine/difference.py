"""What a verification found: one value of the record that is not what follows from the commands."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

FINDINGS_MAX: Final = 20
"""So many are named; a record with more is not read to its end."""
TEXT_MAX: Final = 200
"""Characters of a value that are shown."""


class Difference(NamedTuple):
    """Sorted by position, and by table where that is the same."""

    history: int
    position: int
    table: str
    key: str
    """What is left of the row's key, such as `ordinal 2`; "" if nothing is."""
    field: str
    """"": the whole row."""
    recorded: str
    replayed: str
    epoch: int = 0

    @property
    def text(self) -> str:
        """One line."""
        where = f"epoch {self.epoch}" if self.epoch else f"history {self.history}"
        key = f", {self.key}" if self.key else ""
        field = f"{self.field} " if self.field else ""
        values = f"{self.recorded} recorded, {self.replayed} replayed"
        return f"{self.table} ({where}, position {self.position:,}{key}): {field}{values}"

    def fields(self) -> dict[str, Any]:
        """Return it for programs."""
        return {**self._asdict(), "text": self.text}


def shown(value: object) -> str:
    """Write a value: integers with commas, bytes in hexadecimal, long ones cut."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    text = value.hex() if isinstance(value, bytes | memoryview) else str(value)
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "…"

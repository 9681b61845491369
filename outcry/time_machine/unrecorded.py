"""Why the time machine cannot answer."""

from __future__ import annotations

from openoutcry.wire.errors import OpenOutcryError
from outcry.time_machine.difference import Difference


class NotRecorded(OpenOutcryError):
    """
    The record does not hold what was asked for; the text says what it holds.

    Args:
        code: `before_ledger`, `in_gap`, `not_yet`, `unknown_instrument`, `unknown_user` or `no_ledger`.
        text: One sentence.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code

    def __reduce__(self) -> tuple[type[NotRecorded], tuple[str, str]]:
        return NotRecorded, (self.code, str(self))  # between processes


class OtherRelease(OpenOutcryError):
    """The record goes on by rules that this release does not know; the text says which release can read it."""


class DamagedRecord(OpenOutcryError):
    """
    What the record holds does not lead to what it says.

    Args:
        finding: Where the two part.
    """

    def __init__(self, finding: Difference) -> None:
        super().__init__(finding.text)
        self.finding = finding

    def __reduce__(self) -> tuple[type[DamagedRecord], tuple[Difference]]:
        return DamagedRecord, (self.finding,)  # between processes

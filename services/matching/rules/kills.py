"""Who and what has been stopped from trading altogether, and since when.

Owns the table and its sentences. Ending the orders is left to `RuleDesk`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from openoutcry.wire.types import Code
from services.matching.money_text import time_text
from services.matching.traded_instrument import Refusal

KILLS_MAX: Final = 100_000
"""Kills at once; another one is refused. A whole market takes one."""
USER_SCOPE: Final = "user"
GROUP_SCOPE: Final = "group"
INSTRUMENT_SCOPE: Final = "instrument"
MARKET_SCOPE: Final = "market"
SCOPES: Final = (USER_SCOPE, GROUP_SCOPE, INSTRUMENT_SCOPE, MARKET_SCOPE)


class Kill(NamedTuple):
    """One that holds."""

    scope: str
    name: str
    """Of the user, group or instrument; "" for the market."""
    since_us: int
    reason: str

    def refusal(self) -> Refusal:
        """Return what whoever it concerns is told; the reason is not theirs to know."""
        what = f" of {self.name}" if self.name else ""
        return Refusal(Code.KILLED, f"{self.scope}: trading{what} is stopped since {time_text(self.since_us)}")


class Kills:
    """
    All kills of a market.

    Args:
        rows: As `rows` gave them.
    """

    __slots__ = ("_kills",)

    def __init__(self, rows: Iterable[tuple[str, str, int, str]] = ()) -> None:
        self._kills = {(scope, name): Kill(scope, name, since, reason) for scope, name, since, reason in rows}

    def rows(self) -> list[Kill]:
        """Return what the constructor takes, the oldest first."""
        return list(self._kills.values())

    def __len__(self) -> int:
        return len(self._kills)

    def has(self, scope: str, name: str) -> bool:
        """Tell whether this kill holds; O(1)."""
        return (scope, name) in self._kills

    def set(self, kill: Kill) -> None:
        """Let a kill hold; one that does stays as it was. O(1)."""
        self._kills.setdefault((kill.scope, kill.name), kill)

    def lift(self, scope: str, name: str) -> None:
        """End a kill, if it holds; O(1)."""
        self._kills.pop((scope, name), None)

    def find(self, user: str, groups: Sequence[str], symbol: str) -> Kill | None:
        """Return the kill that stops a user of these groups in an instrument, the narrowest; O(groups)."""
        if not self._kills:
            return None
        keys = [
            (USER_SCOPE, user),
            *[(GROUP_SCOPE, group) for group in groups],
            (INSTRUMENT_SCOPE, symbol),
            (MARKET_SCOPE, ""),
        ]
        return next((self._kills[key] for key in keys if key in self._kills), None)

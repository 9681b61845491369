"""When users under a short-swing rule last bought and last sold, by instrument.

Owns these dates and their bound. Days are UTC's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from openoutcry.wire.types import Code, Side
from services.matching.money_text import day_text
from services.matching.traded_instrument import Refusal

DAY_US: Final = 86_400_000_000
DAYS_MAX: Final = 366
"""Of a short-swing rule, and of a holding period; what is older is forgotten when room is needed."""
LAST_TRADES_MAX: Final = 200_000
"""Pairs of a user and an instrument that are remembered. Beyond it whoever has none may not enter orders under such a
rule. Orders that rest then may still trade: so there may be as many more as orders rest."""


class LastTrades:
    """
    The dates.

    Args:
        rows: As `rows` gave them.
    """

    __slots__ = ("_forgotten_at", "_moments")

    def __init__(self, rows: Iterable[tuple[str, str, int, int]] = ()) -> None:
        self._moments: dict[tuple[str, str], tuple[int, int]] = {
            (user, symbol): (bought, sold) for user, symbol, bought, sold in rows
        }
        self._forgotten_at = 0

    def rows(self) -> list[tuple[str, str, int, int]]:
        """Return (user, symbol, day of the last purchase, of the last sale), µs, 0: none; in order of first trade."""
        return [(*key, *moments) for key, moments in self._moments.items()]

    def __len__(self) -> int:
        return len(self._moments)

    def note(self, user: str, symbol: str, side: Side, time_us: int) -> None:
        """Take a fill; O(1), and O(all) once a day if there is no room."""
        bought, sold = self._moments.get((user, symbol), (0, 0))
        day = time_us - time_us % DAY_US
        self._moments[user, symbol] = (day, sold) if side is Side.BID else (bought, day)
        if len(self._moments) > LAST_TRADES_MAX and day > self._forgotten_at:
            self._forgotten_at = day
            oldest = day - DAYS_MAX * DAY_US
            self._moments = {key: held for key, held in self._moments.items() if max(held) >= oldest}

    def has_room(self, user: str, symbol: str) -> bool:
        """Tell whether a trade could be remembered; O(1)."""
        return (user, symbol) in self._moments or len(self._moments) < LAST_TRADES_MAX

    def free_from(self, user: str, symbol: str, side: Side, days: int) -> int:
        """Return from when on a user may trade on this side, µs; 0: the user has not traded on the other. O(1)."""
        bought, sold = self._moments.get((user, symbol), (0, 0))
        day = sold if side is Side.BID else bought
        return day + days * DAY_US if day else 0

    def refusal(self, user: str, symbol: str, side: Side, days: int, time_us: int) -> Refusal | None:
        """Return why a user may not trade on this side now, or None; O(1)."""
        free_from = self.free_from(user, symbol, side, days)
        if free_from <= time_us:
            if self.has_room(user, symbol):
                return None
            rule = f"{LAST_TRADES_MAX:,} dates of last trades are remembered, and there is no room for another"
            return Refusal(Code.TOO_MANY_HOLDINGS, f"instrument: {rule}")
        did, may = ("sold", "buy") if side is Side.BID else ("bought", "sell")
        day, then = day_text(free_from - days * DAY_US), day_text(free_from)
        return Refusal(Code.SHORT_SWING, f"side: you {did} {symbol} on {day}, and may {may} from {then} on")


def held_until(time_us: int, days: int) -> int:
    """Return until when lots bought now are held, µs: so many days of 24 h, rounded up to midnight UTC."""
    return -(-(time_us + days * DAY_US) // DAY_US) * DAY_US

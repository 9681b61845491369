"""Which trading day an instrument closes: by the calendars that the administration has planned.

Pure. Some venues open on the UTC day before their label, so a trading day is never the UTC day of its close, unless no
calendar says otherwise.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from openoutcry.wire.types import Phase
from shared.logs.packet import Packet

CLOSE: Final = "close"
"""The step of a schedule that ends a trading day."""


class TradingDays:
    """The closes of all calendars, and who follows which."""

    def __init__(self) -> None:
        self._closes: dict[str, list[tuple[int, str]]] = {}
        self._calendars: dict[str, str] = {}

    def plan(self, calendar: str, steps: Sequence[Sequence[object]]) -> None:
        """Take (trading day, time in µs, step) in order of time; what is planned between the first and last goes."""
        times = [int(str(time)) for _, time, _ in steps]
        if not times:
            return
        kept = [each for each in self._closes.get(calendar, []) if not times[0] <= each[0] <= times[-1]]
        news = [(time, str(day)) for (day, _, step), time in zip(steps, times, strict=True) if step == CLOSE]
        self._closes[calendar] = sorted(kept + news)

    def follow(self, symbol: str, calendar: str) -> None:
        """Take the calendar that an instrument follows; "": none."""
        self._calendars[symbol] = calendar

    def day(self, symbol: str, time_us: int) -> str:
        """Return the trading day that an instrument has closed at a time."""
        closes = self._closes.get(self._calendars.get(symbol, ""), [])
        place = bisect_right(closes, (time_us, "~"))
        if place:
            return closes[place - 1][1]
        return datetime.fromtimestamp(time_us // 1_000_000, UTC).date().isoformat()

    def closed(self, packet: Packet) -> Iterable[str]:
        """Return the trading days that instruments close in a packet, each once."""
        days = [self.day(each[0] or "", each[3]) for each in packet.statuses if each[4] == Phase.CLOSED]
        return dict.fromkeys(days)

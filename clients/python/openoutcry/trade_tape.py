"""One instrument's trades in order: each once, and missing ones by their ids."""

from __future__ import annotations

from typing import NamedTuple

from openoutcry.wire.messages import Trade


class Missing(NamedTuple):
    """Numbers that will not come, both ends included."""

    first: int
    last: int


class TradeTape:
    """The position in one instrument's trades, which are numbered without holes."""

    __slots__ = ("last_id", "last_time")

    def __init__(self) -> None:
        self.last_id = 0
        """Of the last trade seen; 0 before the first."""
        self.last_time = 0

    def observe(self, trade: Trade) -> tuple[bool, Missing | None]:
        """
        Return whether the trade is new, and the trades missing before it.

        The first trade seen begins the tape, whatever its number. A number that is known but has a later time than
        the last trade belongs to a history that began anew; the tape follows it.
        """
        known = trade.trade_id <= self.last_id
        if known and trade.time <= self.last_time:
            return False, None
        missing = None
        if self.last_id and trade.trade_id > self.last_id + 1:
            missing = Missing(self.last_id + 1, trade.trade_id - 1)
        self.last_id = trade.trade_id
        self.last_time = trade.time
        return True, missing

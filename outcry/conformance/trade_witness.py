"""Follows the trades of any instruments, and reports at once when one is missing without notice."""

from __future__ import annotations

import re
from typing import Final

from openoutcry.wire.messages import Status, Trade
from openoutcry.wire.types import MarketState
from outcry.conformance.expectation import Failed, expect, expect_one_of

MISSING: Final = re.compile(r"trades ([0-9]+) to ([0-9]+) are missing")


class TradeWitness:
    """The tape as it is sent; repetitions are normal, holes must be announced."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}
        """Instrument to the last trade id sent or announced as missing."""
        self.repeated = 0
        self.missing = 0
        """Trades announced as not to be had any more."""

    def hear(self, message: Trade | Status) -> None:
        """
        Take the next message of the channel `trades`.

        Raises:
            Failed: If a trade is missing and nobody said so, or has no sense.
        """
        if isinstance(message, Status):
            self._hear_missing(message)
            return
        expect(message.trade_id >= 1 <= message.quantity, f"a trade without id or quantity: {message}")
        expect_one_of(message.aggressor_side, ["bid", "ask", "none"], "aggressor_side")
        last = self.last.get(message.instrument, message.trade_id - 1)
        if message.trade_id <= last:
            self.repeated += 1
            return
        expect(message.trade_id == last + 1, f"trade {message.trade_id} of {message.instrument} came after {last}")
        self.last[message.instrument] = message.trade_id

    def _hear_missing(self, status: Status) -> None:
        if status.instrument is None or status.state != MarketState.RESYNCING:
            return
        announced = MISSING.fullmatch(status.reason)
        if announced is None:
            raise Failed(f"a status that announces missing trades names no ids: {status.reason!r}")
        first, newest = map(int, announced.groups())
        last = self.last.get(status.instrument, first - 1)
        expect(first <= last + 1, f"{status.reason!r} of {status.instrument} came after {last}")
        self.missing += newest - last
        self.last[status.instrument] = newest

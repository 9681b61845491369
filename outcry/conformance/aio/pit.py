"""A price of one's own in a market where others trade too.

A check that must know which orders meet needs a price inside the spread, where nobody else is. If there is none, the
broom makes one: it buys the best offer, or sells to the best bid, until a tick is free. Others may still come between.
`was_disturbed` finds that in the trades, and the check is then carried out again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Snapshot
from openoutcry.wire.types import Code, TimeInForce
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.trader import CheckTrader
from outcry.conformance.expectation import Failed, expect_ok
from outcry.conformance.spread import price_between, way_through

SWEEPS_MAX: Final = 20
"""Levels taken to make a free price; beyond it the market moves too fast."""
WAIT_S: Final = 0.2
WAITS_MAX: Final = 20
"""For the broom's rate of requests: four seconds, which is more than an empty bucket takes to be full."""


class Pit:
    """
    Finds free prices on one instrument.

    Args:
        broom: Trades with whoever is in the way.
        instrument: Its definition.
    """

    def __init__(self, broom: CheckTrader, instrument: Instrument) -> None:
        self._broom: Final = broom
        self._instrument: Final = instrument

    @property
    def client(self) -> Client:
        """The broom's connection."""
        return self._broom.client

    async def free_price(self) -> int:
        """
        Return a price above every bid and below every ask, with no order at it.

        Raises:
            Failed: If none can be made.
        """
        for _ in range(SWEEPS_MAX):
            top = await self._top()
            price = price_between(top, self._instrument.price_max)
            if price is not None:
                return price
            await self._sweep(top)
        raise Failed(f"found no free price on {self._instrument.symbol} after taking {SWEEPS_MAX} levels")

    async def _top(self) -> Snapshot:
        named = {"channel": "top", "instruments": [self._instrument.symbol]}
        await self._granted("subscribe", **named)
        top = await self.client.hear(Snapshot)
        await self._granted("unsubscribe", **named)
        self.client.forget()
        return top

    async def _granted(self, op: str, **fields: Any) -> None:
        """Ask until the broom's rate allows it: checks follow each other, and a market that moves is swept often."""
        for _ in range(WAITS_MAX):
            reply = await self.client.ask(op, **fields)
            if reply.code != Code.RATE_LIMITED:
                break
            await self.client.listen_for(WAIT_S)
        expect_ok(reply)

    async def _sweep(self, top: Snapshot) -> None:
        side, level = way_through(top)
        quantity = min(level[1], self._instrument.quantity_max)
        await self._broom.order(side, quantity, level[0], time_in_force=TimeInForce.IOC)


def was_disturbed(traders: Iterable[CheckTrader]) -> bool:
    """Tell whether an outsider traded with one of these: a trade with only one of their orders in it."""
    parts = Counter(trade_id for trader in traders for trade_id in trader.trade_ids())
    return any(count == 1 for count in parts.values())

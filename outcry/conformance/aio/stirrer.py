"""Keeps one book in motion, so that there is something to see in a market where nobody else trades.

Places quotes near the best prices, takes the older ones away, and trades a lot now and then. What rests is bounded.
Its two users hold no more than QUOTES_MAX orders, and leave none behind.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Snapshot
from openoutcry.wire.types import Side, TimeInForce
from outcry.conformance.aio.trader import CheckTrader
from outcry.conformance.expectation import expect
from outcry.conformance.spread import PRICE_IN_EMPTY_BOOK

STEP_S: Final = 0.05
QUOTES_MAX: Final = 60
LEVELS: Final = 12
"""How far from the best price quotes are spread: some come and go in every window."""
STEPS_A_TRADE: Final = 10


class Stirrer:
    """
    Trades with itself and with whoever is there.

    Args:
        maker: Quotes.
        taker: Takes.
        instrument: Of the book.
    """

    def __init__(self, maker: CheckTrader, taker: CheckTrader, instrument: Instrument) -> None:
        self._maker: Final = maker
        self._taker: Final = taker
        self._instrument: Final = instrument
        self._quotes: Final[deque[str]] = deque()
        self._step = 0

    async def run(self) -> None:
        """
        Go on until cancelled.

        Raises:
            Failed: If a connection ends.
        """
        await self._maker.client.accepted(
            "subscribe", channel="top", instruments=[self._instrument.symbol], interval_ms=250
        )
        top = await self._maker.client.hear(Snapshot)
        while True:
            top = await self._look(top)
            await self._move(top)

    async def _look(self, top: Snapshot) -> Snapshot:
        for trader in (self._maker, self._taker):
            await trader.client.listen_for(STEP_S / 2)
            expect(trader.client.wire.ending is None, "the kit's own connections were ended")
        top = next(reversed(self._maker.client.heard(Snapshot)), top)
        for trader in (self._maker, self._taker):
            trader.client.forget()
            trader.client.log.clear()
        return top

    async def _move(self, top: Snapshot) -> None:
        self._step += 1
        if len(self._quotes) >= QUOTES_MAX:
            await self._maker.client.send_request(
                {"op": "cancel", "id": self._step, "client_order_id": self._quotes.popleft()}
            )
        side = Side.BID if self._step % 2 else Side.ASK
        price = self._price(top, side, self._step % LEVELS)
        await self._send(self._maker, side, price, 1 + self._step % 7, TimeInForce.GTC)
        if self._step % STEPS_A_TRADE == 0:
            await self._send(self._taker, side.opposite, price, 1, TimeInForce.IOC)

    def _price(self, top: Snapshot, side: Side, distance: int) -> int:
        middle = PRICE_IN_EMPTY_BOOK
        bid = top.bids[0][0] if top.bids else (top.asks[0][0] - 1 if top.asks else middle)
        ask = top.asks[0][0] if top.asks else bid + 1
        price = bid - distance if side is Side.BID else ask + distance
        return min(max(price, 1), self._instrument.price_max)

    async def _send(
        self, trader: CheckTrader, side: Side, price: int, quantity: int, time_in_force: TimeInForce
    ) -> None:
        client_order_id = trader.new_id()
        if time_in_force is TimeInForce.GTC:
            self._quotes.append(client_order_id)
        await trader.client.send_request({
            "op": "order", "id": self._step, "client_order_id": client_order_id,
            "instrument": self._instrument.symbol, "side": side, "price": price, "quantity": quantity,
            "time_in_force": time_in_force,
        })  # fmt: skip

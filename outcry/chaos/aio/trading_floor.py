"""All traders of one process: connected, paced, brought to rest, asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from openoutcry.aio.connect import connect
from outcry.chaos.aio.trader import ChaosTrader
from outcry.chaos.trader_record import TraderRecord

CONNECT_SECONDS_MAX: Final = 30.0
REST_SECONDS_MAX: Final = 60.0
"""How long outcomes may stay unknown, and accounts stale, when trading has stopped."""
QUIET_SECONDS: Final = 0.3
"""Accounts that have not moved for so long have come to rest."""
POLL_SECONDS: Final = 0.02


class TradingFloor:
    """
    Some traders.

    Args:
        tokens: One a trader.
        gateways: WebSocket URLs.
        instruments: Where they trade.
        seed: Of what they do.
    """

    def __init__(self, tokens: Sequence[str], gateways: Sequence[str], instruments: Sequence[str], seed: int) -> None:
        self._tokens = tokens
        self._gateways = gateways
        self._instruments = instruments
        self._seed = seed
        self._traders: list[ChaosTrader] = []
        self._acting = 0
        self._pause_s = 1.0
        self._trading = asyncio.Event()

    async def run(self, ready: Callable[[], None]) -> None:
        """
        Connect everybody, say `ready`, and trade on request; never ends by itself.

        Raises:
            Disconnected: If a gateway sends a trader away for good.
        """
        async with contextlib.AsyncExitStack() as open_markets, asyncio.TaskGroup() as tasks:
            for number, token in enumerate(self._tokens):
                random = Random(f"{self._seed} {number}")  # noqa: S311 - a market
                connecting = connect(self._gateways, token, timeout_s=CONNECT_SECONDS_MAX, random=random)
                market = await open_markets.enter_async_context(connecting)
                trader = ChaosTrader(market, await market.account(CONNECT_SECONDS_MAX), self._instruments, random)
                self._traders.append(trader)
                tasks.create_task(trader.listen())
                tasks.create_task(self._trade(trader, random))
            ready()

    def set_rate(self, rate: float) -> None:
        """Let all traders together place about so many orders a second; 0 lets them rest."""
        if rate > 0:
            self._pause_s = len(self._tokens) / rate
            self._trading.set()
        else:
            self._trading.clear()

    def first_answer_us(self, since_us: int) -> int:
        """Return when the first order that was sent after a moment was acknowledged, µs since 1970; 0 if none was."""
        return min(filter(None, (trader.first_answer_us(since_us) for trader in self._traders)), default=0)

    async def rest(self) -> None:
        """Stop; returns when all outcomes are known and accounts are in sync and still, or it takes too long."""
        self.set_rate(0)
        loop = asyncio.get_running_loop()
        give_up = loop.time() + REST_SECONDS_MAX
        held, still_since = self._positions(), loop.time()
        while loop.time() < give_up:
            await asyncio.sleep(POLL_SECONDS)
            now_held = self._positions()
            if now_held != held or self._acting or not all(trader.is_settled for trader in self._traders):
                held, still_since = now_held, loop.time()
            elif loop.time() - still_since > QUIET_SECONDS:
                return

    def record(self, number: int) -> TraderRecord:
        """Return everything of one trader."""
        return self._traders[number].record()

    @property
    def traders(self) -> int:
        """How many there are."""
        return len(self._traders)

    def _positions(self) -> list[int]:
        return [trader.user_seq for trader in self._traders]

    async def _trade(self, trader: ChaosTrader, random: Random) -> None:
        while True:
            await self._trading.wait()
            await asyncio.sleep(random.uniform(0.5, 1.5) * self._pause_s)
            if not self._trading.is_set():
                continue
            self._acting += 1
            try:
                await trader.act()
            finally:
                self._acting -= 1

"""The bots: a crowd that holds a rate of book changes, as the feed measures it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from openoutcry.wire.types import Code, ExecutionEvent, MarketState
from outcry.flow.aio.driver import Driver
from outcry.flow.funding import CALL_S
from outcry.flow.order_flow import USER_PREFIX, OrderFlow
from outcry.flow.pace import Pace
from outcry.flow.rule_effect import RuleEffect
from outcry.flow.special_effect import SpecialEffect
from outcry.flow.special_flow import SPECIAL_SHARE
from shared.logs.commands import Command
from shared.logs.packet import Packet

PACE_SECONDS: Final = 0.01
"""Between two appends."""


class Bots(Driver):
    """
    A crowd of traders on one market.

    Args:
        redis_url: The shard's Redis.
        rate: Book changes a second over all instruments.
        hot: All of them on the first instrument.
        seed: Of what they do.
        accounts: Have the market keep accounts, and the crowd money and lots; only before anybody is known to it.
        call_s: How long its opening call lasts then.
    """

    def __init__(
        self, redis_url: str, *, rate: float, hot: bool, seed: int, accounts: bool = False, call_s: float = CALL_S
    ) -> None:
        super().__init__(redis_url, "bots")
        self._rate = rate
        self._hot = hot
        self._seed = seed
        self._accounts = accounts
        self._call_s = call_s
        self._blackout = RuleEffect(Code.BLACKOUT)
        self._is_blackout_asked = False
        self.special = SpecialEffect()
        """What came of special orders and quotes; the crowd has some where the market keeps accounts."""
        self._special_due = 0.0
        self._pace: Pace | None = None

    def set_rate(self, rate: float) -> None:
        """Go on at another rate from now on."""
        self._rate = rate
        if self._pace is not None:
            self._pace.rate = rate

    def begin_blackout(self) -> None:
        """Close the first instrument to the insiders of the crowd, where the market keeps accounts; soon."""
        self._is_blackout_asked = True

    async def prepare(self) -> None:
        """Cancel what an earlier crowd left, and fill the books."""
        self.traded = self.listing[:1] if self._hot else self.listing
        self._flow = OrderFlow(self.traded, self.source, self._seed)
        if self._accounts:
            await self._send(self._flow.funding(time.time_ns() // 1000, self._call_s))
        await self._send(self._flow.withdrawals())
        await self._send(self._flow.opening())
        if self._accounts:
            await self._send(self._flow.guests())
        await self.writer.drain()

    async def run(self) -> None:
        """Trade at the rate until `stopping` is set; then wait until the engine has applied all of it."""
        self._pace = pace = Pace(self._rate, asyncio.get_running_loop().time(), self.tape.changes)
        while not self.stopping.is_set():
            if self._is_blackout_asked:  # here, since commands must come into the log in the order of their numbers
                self._is_blackout_asked = False
                await self._send(self._flow.blackout(time.time_ns() // 1000))
            due = pace.commands_due(asyncio.get_running_loop().time(), self.tape.changes, self.writer.backlog.commands)
            due = min(due, self.writer.backlog.room)
            await self._send(self._flow.commands(due))
            if self._accounts:
                self._special_due += due * SPECIAL_SHARE
                await self._send(self._flow.special(int(self._special_due), time.time_ns() // 1000))
                self._special_due %= 1
            await asyncio.sleep(PACE_SECONDS)
        await self.writer.drain()
        self.finished.set()

    def observe(self, packet: Packet) -> None:
        """Forget the crowd's orders that have ended, and know what is in a call."""
        self._blackout.add(packet)
        self.special.add(packet)
        for status in packet.statuses:
            if status.instrument is not None:
                self._flow.stated(status.instrument, is_call=status.state == MarketState.AUCTION)
        for user, execution in packet.executions:
            ended = execution.remaining == 0 or execution.event == ExecutionEvent.REJECTED
            if ended and user.startswith(USER_PREFIX):
                self._flow.ended(execution.instrument, execution.client_order_id)

    def statistics(self) -> dict[str, Any]:
        """Return the driver's, and the rate that was asked for."""
        told = {"blackout": self._blackout.told(), "special": self.special.told()}
        return {**super().statistics(), "rate": self._rate, **told}

    async def _send(self, commands: Sequence[Command]) -> None:
        await self.writer.append(commands)
        self.commands_sent += len(commands)

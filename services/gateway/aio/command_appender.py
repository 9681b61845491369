"""Appends queued commands to the command log, in order, each batch one entry.

One append is under way at a time, and what queues meanwhile is the next batch: under load batches grow and the cost a
command falls. A batch whose append may or may not have arrived is appended again, before any later one; the engine
skips what it has seen. One that is certainly not in (every try was refused, or found no server) is withdrawn after a
moment, and its requests are answered `busy`. A batch that was once in doubt stays so, whatever later tries bring.
"""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import TYPE_CHECKING, Final

import structlog

from openoutcry.wire.backoff import Backoff
from services.gateway.order_entry import OrderEntry
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.log_writer import LogWriter
from shared.aio.redis_line import RedisLine
from shared.aio.store_failure import store_failure
from shared.logs.commands import Command
from shared.logs.stream_keys import COMMANDS_FIELD, StreamKeys
from shared.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from shared.aio.order_traces import OrderTraces, TracedOrder

APPEND_S: Final = 5.0
"""A batch that may be in and could not be appended again for so long is given up: its requests have been answered as
unknown."""
REFUSED_S: Final = 1.0
"""A batch that is certainly not in is withdrawn after so long: time for a connection to find another primary."""


class BatchLimit:
    """
    The pauses between a batch's tries, and their end.

    Args:
        line: The appender's; knows whether a try may have arrived.
        orders: Which hear while nothing can be appended.
        random: Jitter of the backoff.
    """

    def __init__(self, line: RedisLine, orders: OrderEntry, random: Random) -> None:
        self.may_be_in = False
        """Whether one of the batch's tries may have arrived."""
        self._line = line
        self._orders = orders
        self._backoff = Backoff(random, first_s=0.05, max_s=1.0)
        self._began_at = 0.0

    def begin(self) -> None:
        """Begin the next batch."""
        self._began_at, self.may_be_in = asyncio.get_running_loop().time(), False

    def answered(self) -> None:
        """Take note that the batch is in."""
        self._backoff.reset()

    async def wait(self, error: Exception) -> None:
        """Pause; raises StoreUnavailable when the batch is to be given up."""
        self.may_be_in = self.may_be_in or self._line.is_in_doubt
        reason = store_failure(error)
        if self._orders.log_is_writable:
            self._orders.log_is_writable = False
            structlog.get_logger().warning("the command log cannot be written; trying again", error=reason)
        if asyncio.get_running_loop().time() - self._began_at >= (APPEND_S if self.may_be_in else REFUSED_S):
            raise StoreUnavailable(reason) from error
        await asyncio.sleep(self._backoff.next_delay())


class CommandAppender:
    """
    The only writer of this gateway's source.

    Args:
        line: For its own use.
        keys: Of the shard.
        orders: Where commands come from.
        random: Jitter of the backoff.
        traces: Where orders' ways are recorded; None records none.
    """

    def __init__(
        self,
        line: RedisLine,
        keys: StreamKeys,
        orders: OrderEntry,
        random: Random,
        traces: OrderTraces | None = None,
    ) -> None:
        self._line = line
        self._keys = keys
        self._orders = orders
        self._traces = traces
        self._limit = BatchLimit(line, orders, random)
        self._writer = LogWriter(self._send, self._limit)
        self._wakened = asyncio.Event()
        self._log = structlog.get_logger()

    def wake(self) -> None:
        """Look for queued commands; cheap, and safe to call too often."""
        if self._orders.has_queued:
            self._wakened.set()

    async def run(self) -> None:
        """Append until cancelled."""
        while True:
            raise_if_cancelled()
            await self._wakened.wait()
            self._wakened.clear()
            while self._orders.has_queued:
                await self._append(self._orders.take_batch())

    async def _append(self, commands: list[Command]) -> None:
        received_ns = self._received(commands)  # now: the answer may be here before the store's own reply
        self._limit.begin()
        try:
            await self._writer.append(commands)
        except StoreUnavailable as error:
            self._give_up(commands, str(error), may_be_in=self._limit.may_be_in)
        else:
            if self._traces is not None:
                self._traces.entered(received_ns)
        self._orders.log_is_writable = True

    async def _send(self, data: bytes) -> None:
        await self._line.call("XADD", self._keys.commands, "*", COMMANDS_FIELD, data)

    def _give_up(self, commands: list[Command], reason: str, *, may_be_in: bool) -> None:
        self._log.error("commands given up", count=len(commands), may_be_in=may_be_in, error=reason)
        if not may_be_in:
            self._orders.withdraw(commands)

    def _received(self, commands: list[Command]) -> dict[TracedOrder, int]:
        """Return when the orders that are traced were received, ns since 1970; there are none without tracing."""
        if self._traces is None:
            return {}
        now, now_ns = time.monotonic(), time.time_ns()
        found = {order: self._orders.received_at(order.number) for order in self._traces.among(commands)}
        return {order: now_ns - int((now - at) * 1e9) for order, at in found.items() if at is not None}

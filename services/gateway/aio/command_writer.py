"""Appends queued commands to the command log, in order, each batch one entry.

One append is under way at a time, and what queues meanwhile is the next batch: under load batches grow and the cost a
command falls. A batch whose append may or may not have arrived is appended again, before any later one; the engine
skips what it has seen.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final

import structlog

from services.gateway.order_entry import OrderEntry
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.redis_connection import UNREACHABLE, Redis
from shared.backoff import Backoff
from shared.commands import Command, encode_commands
from shared.stream_keys import COMMANDS_FIELD, StreamKeys

APPEND_S: Final = 5.0
"""A batch that could not be appended for so long is given up: its requests have been answered as unknown."""


class CommandWriter:
    """
    The only writer of this gateway's source.

    Args:
        redis: A client for its own use.
        keys: Of the shard.
        orders: Where commands come from.
        random: Jitter of the backoff.
    """

    def __init__(self, redis: Redis, keys: StreamKeys, orders: OrderEntry, random: Random) -> None:
        self._redis = redis
        self._keys = keys
        self._orders = orders
        self._backoff = Backoff(random, first_s=0.05, max_s=1.0)
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
        entry = {COMMANDS_FIELD: encode_commands(commands)}
        give_up_at = asyncio.get_running_loop().time() + APPEND_S
        while True:
            raise_if_cancelled()
            try:
                await self._redis.xadd(self._keys.commands, entry)  # type: ignore[arg-type]
            except UNREACHABLE as error:
                self._orders.log_is_writable = False
                if asyncio.get_running_loop().time() >= give_up_at:
                    self._log.error("commands given up", count=len(commands), error=str(error))
                    break
                await asyncio.sleep(self._backoff.next_delay())
            else:
                self._backoff.reset()
                break
        self._orders.log_is_writable = True

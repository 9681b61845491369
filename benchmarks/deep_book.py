"""A book of a given depth that changes at a given rate: so many adjacent levels a side, and quantities that vary.

`python -m benchmarks.deep_book` is a role of a stack, as `outcry.flow` is, for what its wandering crowd cannot
hold: exactly so many levels. Every change sets one level, drawn evenly from all of them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any, Final

import uvloop

from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from outcry.flow.__main__ import serve
from outcry.flow.aio.driver import Driver
from outcry.flow.pace import Pace
from outcry.stack.aio.role_channel import RoleChannel
from shared.logs.commands import Command, PlaceOrder, ReplaceOrder

MID: Final = 100_000
"""Ticks; bids begin a tick below it, asks a tick above."""
QUANTITY_MAX: Final = 500
ORDERS_PER_USER: Final = 500
"""Below the engine's limit of open orders."""
PACE_SECONDS: Final = 0.01
"""Between two appends."""


class DeepBook(Driver):
    """
    Keeps the first instrument's book.

    Args:
        redis_url: The shard's Redis.
        levels: A side, one order each.
        rate: Changes a second.
        seed: Of the quantities.
    """

    def __init__(self, redis_url: str, *, levels: int, rate: float, seed: int) -> None:
        super().__init__(redis_url, "deep")
        self._levels = levels
        self._rate = rate
        self._random = Random(seed)  # noqa: S311 - quantities, no secrets
        self._quantities: dict[str, int] = {}
        self._number = 0

    async def prepare(self) -> None:
        """Place one order at every level; the book must be empty."""
        await self._send(list(self._orders()))
        await self.writer.drain()

    async def run(self) -> None:
        """Change quantities at the rate until `stopping` is set; then wait until the engine has applied all of it."""
        pace = Pace(self._rate, asyncio.get_running_loop().time(), self.tape.changes)
        changes = self._changes()
        while not self.stopping.is_set():
            due = pace.commands_due(asyncio.get_running_loop().time(), self.tape.changes, self.writer.backlog.commands)
            await self._send(list(islice(changes, min(due, self.writer.backlog.room))))
            await asyncio.sleep(PACE_SECONDS)
        await self.writer.drain()
        self.finished.set()

    def _orders(self) -> Iterator[Command]:
        for place in range(self._levels):
            for side, price in ((Side.BID, MID - 1 - place), (Side.ASK, MID + 1 + place)):
                name = f"{side}-{price}"
                self._quantities[name] = 1 + self._random.randrange(QUANTITY_MAX)
                yield PlaceOrder(
                    self.source, self._next_number(), _user(place), self.listing[0].symbol, name, side,
                    OrderKind.LIMIT, price, self._quantities[name], TimeInForce.GTC, post_only=True,
                    self_trade_prevention=SelfTradePrevention.CANCEL_NEWEST,
                )  # fmt: skip

    def _changes(self) -> Iterator[Command]:
        names = list(self._quantities)
        while True:
            name = names[self._random.randrange(len(names))]
            other = 1 + (self._quantities[name] + self._random.randrange(QUANTITY_MAX - 1)) % QUANTITY_MAX
            self._quantities[name] = other
            place = abs(int(name.rpartition("-")[2]) - MID) - 1
            yield ReplaceOrder(self.source, self._next_number(), _user(place), 0, name, None, other)

    async def _send(self, commands: list[Command]) -> None:
        await self.writer.append(commands)
        self.commands_sent += len(commands)

    def _next_number(self) -> int:
        self._number += 1
        return self._number


def _user(place: int) -> str:
    return f"deep-{2 * place // ORDERS_PER_USER}"


async def _run() -> None:
    channel = await RoleChannel.open()
    settings: dict[str, Any] | None = await anext(channel.requests(), None)
    if settings is not None:
        settings.pop("role")
        await serve(DeepBook(settings.pop("redis_url"), **settings), channel)


if __name__ == "__main__":
    sys.exit(uvloop.run(_run()))

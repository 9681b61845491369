"""Real order flow through the exchange, at a chosen multiple of its own speed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from outcry.flow.aio.driver import Driver
from outcry.flow.aio.lobster_file import LobsterFile
from outcry.flow.lobster import NANOSECONDS
from outcry.flow.lobster_orders import LobsterOrders
from shared.logs.commands import Command, ListInstrument
from shared.logs.packet import Packet

BATCH_COMMANDS: Final = 128
"""Commands an append at full speed."""
PRICE_MAX: Final = 100_000_000
"""Of an instrument that the replay lists itself, in ticks of a cent."""
QUANTITY_MAX: Final = 10_000_000


class Replay(Driver):
    """
    One file's flow into one book.

    Args:
        redis_url: The shard's Redis.
        path: The file.
        symbol: Instrument to trade; listed if it is not.
        speed: Multiple of real time; None is as fast as the engine follows.
    """

    def __init__(self, redis_url: str, path: Path, symbol: str, speed: float | None) -> None:
        super().__init__(redis_url, "replay")
        self.messages = 0
        self.progress = 0.0
        """Share of the file that has been sent, 0 to 1."""
        self.trades = 0
        """Of its instrument, whoever's, since it is prepared."""
        self._path = path
        self.symbol: Final = symbol
        self._speed = speed
        self._numbers_before = 0
        self._is_prepared = False

    async def prepare(self) -> None:
        """
        List the instrument if need be, and cancel what an earlier replay left in its book.

        Raises:
            ConfigurationError: If the file cannot be opened, or the engine refuses the instrument.
        """
        with LobsterFile(self._path):
            pass  # A wrong name is told before anything is touched.
        instrument = next((listed for listed in self.listing if listed.symbol == self.symbol), None)
        if instrument is None:
            instrument = await self._list()
        self.orders = LobsterOrders(instrument, self.source, first_number=self._numbers_before + 1)
        self._is_prepared = True
        await self._send(self.orders.withdrawals())
        await self.writer.drain()

    async def run(self) -> None:
        """
        Send the file's flow; returns when the engine has applied it, or soon after `stopping` is set.

        Raises:
            ConfigurationError: At the first line of the file that breaks a rule; what was before it has been sent.
        """
        with LobsterFile(self._path) as file:
            await self._send_all(file)
        await self.writer.drain()
        self.finished.set()

    def observe(self, packet: Packet) -> None:
        """Learn what became of the file's orders."""
        if self._is_prepared:
            self.orders.book.observe(packet.executions)
            self.trades += sum(trade.instrument == self.symbol for trade in packet.trades)

    def statistics(self) -> dict[str, Any]:
        """Return the driver's, and how far the file is."""
        return {
            **super().statistics(),
            "messages": self.messages,
            "progress": self.progress,
            "skipped": {reason.value: count for reason, count in self.orders.skipped.items()},
            "other_fills": self.orders.book.other_fills,
            "book_distance": self.orders.distance()._asdict() if self.finished.is_set() else None,
        }

    async def _send_all(self, file: LobsterFile) -> None:
        batch: list[Command] = []
        started, first_ns = asyncio.get_running_loop().time(), None
        for message in file:
            first_ns = message.time_ns if first_ns is None else first_ns
            if len(batch) >= BATCH_COMMANDS or (batch and self._early(started, message.time_ns - first_ns) > 0):
                await self._send(batch)
                batch = []
                self.progress = file.progress()
            await self._wait(self._early(started, message.time_ns - first_ns))
            if self.stopping.is_set():
                break
            self.messages += 1
            if command := self.orders.command(message):
                batch.append(command)
        await self._send(batch)
        self.progress = file.progress()

    def _early(self, started: float, since_first_ns: int) -> float:
        """Return how many seconds a message is early."""
        if self._speed is None:
            return 0.0
        return started + since_first_ns / NANOSECONDS / self._speed - asyncio.get_running_loop().time()

    async def _wait(self, seconds: float) -> None:
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return

    async def _list(self) -> Instrument:
        instrument = Instrument(
            self.symbol, "share", f"Replay of {self._path.name}", price_max=PRICE_MAX, quantity_max=QUANTITY_MAX
        ).checked()
        self._numbers_before = 1
        await self._send([ListInstrument(self.source, 1, instrument)])
        await self.writer.drain()
        if self.tape.refused:
            raise ConfigurationError(f"the engine refused to list {self.symbol}: {', '.join(self.tape.refused)}")
        return instrument

    async def _send(self, commands: list[Command]) -> None:
        if commands:
            await self.writer.append(commands)
            self.commands_sent += len(commands)

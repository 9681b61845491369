"""The common part of bots and replay: a writer, the feed that shows its effects, and a life in phases.

Prepare, then run until finished or asked to stop, then drain: after that the market is as still as this driver can
make it.
"""

from __future__ import annotations

import abc
import asyncio
from typing import Any, Final
from uuid import uuid4

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.redacted_url import redacted
from outcry.flow.aio.command_writer import CommandWriter
from outcry.flow.aio.feed_tail import FeedTail
from outcry.flow.backlog import LogId
from outcry.flow.market_tape import MarketTape
from shared.aio.redis_connection import UNREACHABLE, RedisError, get_values, open_redis
from shared.aio.store_failure import store_failure
from shared.logs.packet import Packet
from shared.logs.snapshots import decode_listing
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import StoreUnavailable

LISTING_SECONDS_MAX: Final = 20.0
"""How long a driver waits for an engine to list the market."""
LISTING_POLL_SECONDS: Final = 0.05


class Driver(abc.ABC):
    """
    A source of commands and the measure of their effect.

    Args:
        redis_url: The shard's Redis.
        name: What it is; with a random part it becomes the unique `source` of its commands.
    """

    def __init__(self, redis_url: str, name: str) -> None:
        self.source: Final = f"{name}-{uuid4().hex[:16]}"
        self.writer: Final = CommandWriter(redis_url, f"{name}-writer")
        self.tape: Final = MarketTape(self.source)
        self.stopping: Final = asyncio.Event()
        self.finished: Final = asyncio.Event()
        """Set when `run` has nothing more to do."""
        self.commands_sent = 0
        self._heard_at: float | None = None
        self._silent_s = 0.0
        self._redis_url = redis_url
        self._tail = FeedTail(redis_url, f"{name}-tail")

    async def follow(self) -> None:
        """Count what the feed shows; never ends by itself. Run it beside everything else, after `start`."""
        async for packets in self._tail.packets():
            self._hear()
            for packet in packets:
                self.tape.add(packet)
                self.observe(packet)
            if packets[-1].log_id:
                self.writer.backlog.applied(LogId.parse(packets[-1].log_id))

    async def start(self) -> None:
        """
        Find the market and the feed's end.

        Raises:
            StoreUnavailable: If Redis does not answer, or no engine has listed a market.
        """
        self.listing = await read_listing(self._redis_url)
        await self._tail.start()

    @abc.abstractmethod
    async def prepare(self) -> None:
        """Make the market ready for `run`; returns when the engine has applied it."""

    @abc.abstractmethod
    async def run(self) -> None:
        """Send commands until `stopping` is set or there are no more, drain, and set `finished`."""

    def observe(self, packet: Packet) -> None:  # noqa: B027 - most drivers have nothing to learn
        """Learn from a packet; the default does nothing."""

    def statistics(self) -> dict[str, Any]:
        """Return what a supervisor wants to know, ready for JSON."""
        silent_s, self._silent_s = max(self._silent_s, self._quiet_s()), 0.0
        return {
            **self.tape.counts._asdict(),
            "commands": self.commands_sent,
            "answered": self.tape.answered,
            "silent_ms": silent_s * 1000,  # the feed's longest silence since this was asked before
            "backlog": self.writer.backlog.commands,
            "finished": self.finished.is_set(),
            "epoch": self.tape.epoch,
            "seqs": self.tape.seqs,
            "refused": self.tape.refused,
        }

    def _hear(self) -> None:
        self._silent_s = max(self._silent_s, self._quiet_s())
        self._heard_at = asyncio.get_running_loop().time()

    def _quiet_s(self) -> float:
        return asyncio.get_running_loop().time() - self._heard_at if self._heard_at is not None else 0.0

    async def aclose(self) -> None:
        """Close all connections."""
        await self.writer.aclose()
        await self._tail.aclose()


async def read_listing(redis_url: str) -> list[Instrument]:
    """
    Return the market's instruments, waiting until an engine has listed them.

    Raises:
        StoreUnavailable: If none has within LISTING_SECONDS_MAX.
        ConfigurationError: If the listing is empty.
    """
    redis = open_redis(redis_url, "listing")
    give_up = asyncio.get_running_loop().time() + LISTING_SECONDS_MAX
    try:
        while True:
            try:
                (data,) = await get_values(redis, [StreamKeys().listing])
            except (*UNREACHABLE, RedisError) as error:
                data, reason = None, store_failure(error)
            else:
                reason = "no matching engine has listed a market there"
            if data is not None:
                return _listed(data)
            if asyncio.get_running_loop().time() > give_up:
                raise StoreUnavailable(f"{redacted(redis_url)}: {reason}")
            await asyncio.sleep(LISTING_POLL_SECONDS)
    finally:
        await redis.aclose()


def _listed(data: bytes) -> list[Instrument]:
    listing = decode_listing(data)
    if not listing:
        raise ConfigurationError("the market has no instruments")
    return listing

"""The leader's own commands: the instruments that are not listed yet, and the passing of time.

Owns the leader's numbering as a writer of the command log. An append whose outcome is unknown is made again with the
same numbers before any later one; the engine skips what it has seen. Beside each it writes down what is in the feed
already (`StreamKeys.appended`): by that a start of the store that dropped transactions is noticed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from redis.exceptions import ReadOnlyError, ResponseError

from openoutcry.wire.instrument import Instrument
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.publisher import StoreAnswer
from services.matching.aio.retry_limit import RetryLimit
from services.matching.sessions.moments import Moments
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.log_writer import LogWriter
from shared.aio.redis_connection import Redis
from shared.logs.commands import COMMANDS_IN_ENTRY_MAX, Command, ListInstrument, PassTime, Tick
from shared.logs.engine_version import ENGINE_VERSION, BeginVersion
from shared.logs.packet import FeedId
from shared.logs.session_commands import EndCall
from shared.logs.stream_keys import COMMANDS_FIELD, StreamKeys

TICK_S: Final = 1.0


class LogClock:
    """
    A leader as a writer of commands.

    Args:
        redis: Not the reader's client.
        keys: The shard's keys.
        term: Of the leader; makes the source's name unique.
        stop: Ends the ticking, with one last tick: it wakes the reader.
        retry_limit: How long to bear with a store that takes no commands, such as a replica.
        metrics: Where the appending is timed.
        appended: Returns the feed's last id as the leader knows it.
        moments: When something is due in the leader's market.
    """

    def __init__(
        self,
        redis: Redis,
        keys: StreamKeys,
        term: int,
        stop: asyncio.Event,
        retry_limit: RetryLimit,
        metrics: MatchingMetrics,
        appended: Callable[[], FeedId],
        moments: Moments,
    ) -> None:
        self._redis = redis
        self._key = keys.commands
        self._appended_key = keys.appended
        self._appended = appended
        self._moments = moments
        self._source = f"leader-{term}"
        self._number = 0
        self._stop = stop
        self._writer = LogWriter(self._send, retry_limit)
        self._metrics = metrics

    async def run(self, missing: Sequence[Instrument], version: int) -> None:
        """
        Begin this release's version and list the missing instruments, where needed; then tick until `stop`.

        Args:
            missing: Instruments that are not listed yet.
            version: Of the rules that hold so far.

        Raises:
            StoreUnavailable: If no command could be appended for too long.
        """
        if version < ENGINE_VERSION:
            await self._writer.append([BeginVersion(self._source, self._next(), ENGINE_VERSION)])
        for start in range(0, len(missing), COMMANDS_IN_ENTRY_MAX):
            chunk = missing[start : start + COMMANDS_IN_ENTRY_MAX]
            await self._writer.append([ListInstrument(self._source, self._next(), instrument) for instrument in chunk])
        next_tick = time.monotonic() + TICK_S
        while not await self._stopped_within(self._pause_s(next_tick)):
            raise_if_cancelled()
            commands = self._ends()
            if time.monotonic() >= next_tick:
                next_tick += TICK_S
                commands.append(Tick(self._source, self._next(), _clock_us()))
            elif self._moments.is_due(_clock_us()) and not commands:
                commands.append(PassTime(self._source, self._next(), _clock_us()))
            if commands:
                await self._writer.append(commands)
        await self._writer.append([Tick(self._source, self._next(), _clock_us())])

    def _pause_s(self, next_tick: float) -> float:
        """Return how long nothing has to be said."""
        now_us = _clock_us()
        until_due = (self._moments.next_us(now_us) - now_us) / 1_000_000
        return max(0.0, min(until_due, next_tick - time.monotonic()))

    def _ends(self) -> list[Command]:
        ends = self._moments.take_ends(_clock_us())[:COMMANDS_IN_ENTRY_MAX]
        return [EndCall(self._source, self._next(), "", symbol, auction_id, force=False) for symbol, auction_id in ends]

    def _next(self) -> int:
        self._number += 1
        return self._number

    async def _send(self, data: bytes) -> None:
        try:
            with self._metrics.redis_round_trip.time():
                # No transaction: what is to tell of lost ones must not be lost with them.
                async with self._redis.pipeline(transaction=False) as together:
                    together.xadd(self._key, {COMMANDS_FIELD: data})
                    together.set(self._appended_key, str(self._appended()))
                    await together.execute()
        except ReadOnlyError:
            raise
        except ResponseError:
            # A full store takes no commands either: then there is nothing to publish that it could refuse.
            self._metrics.publications[StoreAnswer.REFUSED.value] += 1
            raise

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._stop.wait()
        except TimeoutError:
            return False


def _clock_us() -> int:
    return time.time_ns() // 1000

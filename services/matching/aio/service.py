"""The matching service: stand by until the lease is free, then read, apply, publish, repeat.

Owns the life of one engine process. Batches are natural, not timed: a batch is what has come while the last one was
being published. So at rest a command does not wait, and under load the cost of a command falls.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from random import SystemRandom
from typing import TYPE_CHECKING, Final

import structlog

from openoutcry.wire.instrument import Instrument
from services.matching.aio.command_reader import CommandReader
from services.matching.aio.leader import Leader
from services.matching.aio.log_clock import LogClock
from services.matching.aio.metrics import EngineState, Role
from services.matching.aio.retry_limit import RetryLimit
from services.matching.aio.settings import Durability, MatchingSettings
from services.matching.aio.store import Store
from services.matching.aio.store_check import StoreCheck
from services.matching.aio.store_promises import check_machine_durability, warn_of_replay
from services.matching.aio.takeover import Takeover
from services.matching.command_log import LogEntry
from services.matching.engine import Engine
from services.matching.sessions.moments import Moments
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.redis_connection import UNREACHABLE, RedisError
from shared.aio.redis_line import RedisLine
from shared.logs.commands import Tick
from shared.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from shared.aio.order_traces import OrderTraces

SHUTDOWN_S: Final = 5.0
"""How long the last publication and the release of the lease may take."""
READY_S: Final = 3.0
"""An engine that has neither published nor followed for so long is not ready; both happen every second at rest."""


class MatchingService:
    """
    One engine process.

    Args:
        settings: Limits and rhythms.
        instruments: What the market lists.
        store: The ways into the store.
        reader: Of the command log.
        takeover: The way to lead.
        stop: Ends it in good order.
        retry_limit: Makes a limit of its own for each further writer.
        traces: Where orders' ways are recorded; None records none.
    """

    def __init__(
        self,
        settings: MatchingSettings,
        instruments: Sequence[Instrument],
        store: Store,
        reader: CommandReader,
        takeover: Takeover,
        stop: asyncio.Event,
        retry_limit: Callable[[], RetryLimit],
        traces: OrderTraces | None,
    ) -> None:
        self._settings = settings
        self._instruments = instruments
        self._store = store
        self._reader = reader
        self._takeover = takeover
        self._standby = takeover.standby
        self._stop = stop
        self._new_retry_limit = retry_limit
        self._traces = traces
        self._lease = store.lease
        self._retry_limit = store.retry_limit
        self._metrics = store.metrics
        self._leader: Leader | None = None
        self._followed_at = float("-inf")

    def stop(self) -> None:
        """Ask the service to end in good order; for signal handlers."""
        self._stop.set()

    async def wait_for_stop(self, seconds_max: float) -> None:
        """Return when `stop` has been called, or after so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds_max):
                await self._stop.wait()

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` has been called."""
        return self._stop.is_set()

    def state(self) -> EngineState:
        """Tell how this engine stands, for operators."""
        leader, shadow = self._leader, self._standby.shadow
        if leader is not None:
            unready = f"nothing published for {leader.silent_s:.1f} s" if leader.silent_s > READY_S else ""
            engine, reason = leader.engine, unready or self._retry_limit.reason
            return _state(Role.LEADER, leader.term, engine, reason)
        if shadow is None:
            return EngineState(Role.STANDBY, 0, 0, self._retry_limit.reason or "nothing to follow with yet")
        silent_s = time.monotonic() - self._followed_at
        unready = f"nothing followed for {silent_s:.1f} s" if silent_s > READY_S else ""
        engine, reason = shadow.engine, self._retry_limit.reason or unready
        return _state(Role.STANDBY, 0, engine, reason)

    async def run(self) -> None:
        """
        Lead until `stop`.

        Raises:
            LeadershipLost: Another engine leads.
            StoreUnavailable: Redis was away for too long.
            CorruptEntry: The store holds something that no engine can go on from.
            ConfigurationError: The store cannot promise what `durability` asks.
        """
        await self._ask_store()
        leader = await self._lead()
        if leader is None:
            return
        missing = [found for found in self._instruments if found.symbol not in leader.engine.instruments]
        self._tell_of_others(leader)
        ticker = LogClock(
            self._store.redis,
            self._store.keys,
            leader.term,
            self._stop,
            self._new_retry_limit(),
            self._metrics,
            lambda: leader.last_id,
            Moments(leader.engine, leader.engine.phases, SystemRandom().random),
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ticker.run(missing, leader.engine.version), name="ticker")
            keeping = tasks.create_task(self._lease.keep(self._stop), name="lease")
            making = tasks.create_task(leader.checkpoints.run(), name="checkpoints")
            looking = tasks.create_task(self._store_check(leader).run(), name="store check")
            await tasks.create_task(self._serve(leader), name="serve")
            keeping.cancel()
            making.cancel()
            looking.cancel()
        await self._shut_down(leader)

    def _tell_of_others(self, leader: Leader) -> None:
        """An instrument never changes: what is written otherwise than it trades is not what somebody believes."""
        markets = leader.engine.instruments
        others = [
            found.symbol
            for found in self._instruments
            if found.symbol in markets and markets[found.symbol].instrument != found
        ]
        if others:
            structlog.get_logger().warning(
                "instruments trade by another definition than the listing has; to change one, list another symbol",
                instruments=others,
            )

    async def _ask_store(self) -> None:
        """Ask what must be known of the store before it is relied on."""
        while not self._stop.is_set():
            raise_if_cancelled()
            try:
                await warn_of_replay(self._store.redis, self._store.keys)
                if self._settings.durability is Durability.MACHINE:
                    await check_machine_durability(self._store.redis, self._store.keys)
            except (*UNREACHABLE, RedisError) as error:
                await self._retry_limit.wait(error)
            else:
                self._retry_limit.answered()
                return

    async def _lead(self) -> Leader | None:
        """Stand by until the lease is free, and take over; None if asked to stop before."""
        log = structlog.get_logger()
        log.info("waiting for the lease", key=self._store.keys.lease)
        while not self._stop.is_set():
            raise_if_cancelled()
            try:
                with self._metrics.redis_round_trip.time():
                    is_free = await self._lease.try_acquire()
                if is_free:
                    leader = await self._takeover.run()
                    leader.rewound = False
                    await self._reader.begin_anew(leader.engine.log_id)
                    log.info("leading", term=leader.term, position=leader.engine.position, epoch=leader.engine.epoch)
                    self._leader = leader
                    return leader
                await self._standby.follow(self._lease.poll_ms)
                self._retry_limit.answered()
                self._followed_at = time.monotonic()
                if self._standby.shadow is None:
                    await self._lease.wait(self._stop)
            except (*UNREACHABLE, RedisError) as error:
                await self._retry_limit.wait(error)
        return None

    async def _serve(self, leader: Leader) -> None:
        while not self._stop.is_set():
            raise_if_cancelled()
            try:
                entries = await self._reader.read()
            except (*UNREACHABLE, RedisError) as error:
                await self._retry_limit.wait(error)
                continue
            self._retry_limit.answered()
            await self._apply(leader, entries)

    async def _apply(self, leader: Leader, entries: list[LogEntry]) -> None:
        read_ns = time.time_ns()
        for entry in entries:
            for command in entry.commands:
                if isinstance(command, Tick) and command.clock_us:
                    self._metrics.log_clock_ahead.set((entry.time_us - command.clock_us) / 1_000_000)
                self._metrics.count(command, leader.builder.apply(command, entry.time_us))
            leader.engine.log_id = entry.entry_id
            if leader.builder.commands >= self._settings.batch_commands_max or entry is entries[-1]:
                packet = await leader.publish()
                if self._traces is not None and packet is not None:
                    self._traces.matched(packet.outcomes, read_ns)
                if leader.rewound:
                    # The store lost something: what was read is read again, from the store's own checkpoint.
                    leader.rewound = False
                    await self._reader.begin_anew(leader.engine.log_id)
                    return

    def _store_check(self, leader: Leader) -> StoreCheck:
        return StoreCheck(RedisLine(self._store.redis), self._store.keys, leader, self._metrics)

    async def _shut_down(self, leader: Leader) -> None:
        try:
            async with asyncio.timeout(SHUTDOWN_S):
                await leader.finish()
                await self._lease.release()
        except (TimeoutError, *UNREACHABLE, RedisError) as error:
            raise StoreUnavailable(f"no last checkpoint, the next engine reads more of the log: {error!r}") from error
        structlog.get_logger().info("stopped", position=leader.engine.position)


def _state(role: Role, term: int, engine: Engine, unready: str) -> EngineState:
    four_eyes, pending = engine.decisions.proposals.four_eyes, engine.lives.pending
    plans = engine.phases.plans.values()
    days = min((plan.days_ahead() for plan in plans), default=-1)
    end_us = min((plan.steps[-1].time_us for plan in plans if plan.steps), default=0)
    return EngineState(role, term, engine.position, unready, four_eyes, pending, days, end_us)

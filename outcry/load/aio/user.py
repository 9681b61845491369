"""One user: connected, and connected again after every loss."""

from __future__ import annotations

import asyncio
import functools
import time
from random import Random
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from openoutcry.wire.backoff import Backoff
from openoutcry.wire.errors import MalformedMessage
from outcry.load.aio.connection import UserConnection
from outcry.load.counts import LoadCounts
from outcry.load.decoded_chunks import DecodedChunks
from outcry.load.delays import Delays
from outcry.load.follower import Follower
from outcry.load.plan import UserPlan

OPENING_SECONDS_MAX: Final = 10.0
READING_NOTHING_SECONDS: Final = 30.0
"""How long a slow user reads nothing before it gives up and comes again: longer than gateways put up with one."""


class Address(NamedTuple):
    """Where a gateway is."""

    host: str
    port: int
    path: str
    is_encrypted: bool

    @classmethod
    def of(cls, url: str) -> Address:
        """Take a WebSocket URL apart."""
        parts = urlsplit(url)
        is_encrypted = parts.scheme == "wss"
        return cls(parts.hostname or "", parts.port or (443 if is_encrypted else 80), parts.path or "/", is_encrypted)


class Surroundings(NamedTuple):
    """What users of a kind in one process share."""

    addresses: list[Address]
    opening: asyncio.Semaphore
    decoded: DecodedChunks
    random: Random
    counts: LoadCounts
    delays: Delays


class LoadUser:
    """
    One user and his present connection.

    Args:
        plan: Its part.
        follower: Its conversation.
        token: Its own.
        source: Local address, None leaves it to the system.
        shared: What it shares with others.
    """

    __slots__ = (
        "_backoff", "_goes_home", "_shared", "_silent_since", "_source", "_wanted_us", "connection", "follower",
        "gateway", "last_loss", "plan", "token", "whole_at_us",
    )  # fmt: skip

    def __init__(
        self, plan: UserPlan, follower: Follower, token: str, source: str | None, shared: Surroundings
    ) -> None:
        self.plan = plan
        self.follower = follower
        self.token = token
        self.gateway = plan.gateway
        self.connection: UserConnection | None = None
        self.last_loss = ""
        """Why the last connection was lost or refused; "" if it was by plan."""
        self.whole_at_us = 0
        """When this connection, or the one before, first had every book in sync, µs since 1970; 0 is never."""
        self._source = source
        self._shared = shared
        self._backoff = Backoff(shared.random)
        self._wanted_us = 0
        self._silent_since: float | None = None
        self._goes_home = False

    @property
    def is_whole(self) -> bool:
        """Whether it is connected, and trusts every book."""
        return self.connection is not None and self.follower.is_whole

    async def live(self, starts_after: float) -> None:
        """Stay connected from `starts_after` seconds on; never ends by itself."""
        await asyncio.sleep(starts_after)
        self._wanted_us = _now_us()
        while True:
            connection = await self._connect()
            if connection is None:
                self._shared.counts.connect_failures += 1
            else:
                self._backoff.reset()
                await self._follow(connection)
            self.gateway = self._other_gateway()
            await asyncio.sleep(self._backoff.next_delay())

    def leave(self) -> None:
        """End the present connection by plan, to come back soon."""
        if self.connection is not None:
            self.connection.leave()

    def go_home(self) -> None:
        """Leave by plan, if this is not the gateway of the plan, and come again to that one."""
        if self.gateway != self.plan.gateway:
            self._goes_home = True
            self.leave()

    def give_up_silence(self, now: float) -> None:
        """Leave, if nothing has been read for READING_NOTHING_SECONDS."""
        if self._silent_since is not None and now - self._silent_since > READING_NOTHING_SECONDS:
            self.leave()

    def check_heartbeat(self, oldest_us: int) -> None:
        """End a connection without a heartbeat since `oldest_us`; not one that is not read."""
        if self.connection is not None and self._silent_since is None and self.follower.heard_at_us < oldest_us:
            self.connection.abort("no heartbeat")

    async def _follow(self, connection: UserConnection) -> None:
        self.connection = connection
        reason = await connection.closed
        self.connection = None
        self._silent_since = None
        self.follower.disconnected()
        self._wanted_us = _now_us()
        if connection.was_left:
            self._shared.counts.departures += 1
        else:
            self._shared.counts.disconnects += 1
            self.last_loss = reason

    async def _connect(self) -> UserConnection | None:
        shared = self._shared
        host, port, path, is_encrypted = shared.addresses[self.gateway]
        connection = UserConnection(
            self.follower, shared.counts, shared.decoded, f"{host}:{port}", path, self.token, self._on_whole
        )
        open_transport = functools.partial(
            asyncio.get_running_loop().create_connection,
            lambda: connection,
            host,
            port,
            ssl=True if is_encrypted else None,
            local_addr=(self._source, 0) if self._source else None,
        )
        try:
            async with shared.opening, asyncio.timeout(OPENING_SECONDS_MAX):
                await open_transport()
                await connection.opened
        except (OSError, TimeoutError, MalformedMessage) as error:
            self.last_loss = str(error) or type(error).__name__
            connection.abort(self.last_loss)
            return None
        return connection

    def _on_whole(self) -> None:
        now_us = _now_us()
        if self.whole_at_us:
            self._shared.counts.returns += 1
            self._shared.delays.recovery.record(now_us - self._wanted_us)
        else:
            self._shared.delays.opening.record(now_us - self._wanted_us)
        self.whole_at_us = now_us
        if self.plan.is_slow and self.connection is not None:
            self.connection.stop_reading()
            self._silent_since = asyncio.get_running_loop().time()

    def _other_gateway(self) -> int:
        if self._goes_home:
            self._goes_home = False
            return self.plan.gateway
        others = [index for index in range(len(self._shared.addresses)) if index != self.gateway]
        return self._shared.random.choice(others) if others else self.gateway


def _now_us() -> int:
    return time.time_ns() // 1000

"""The gateway's shell: sockets, clocks, tasks, and the order in which they end."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import socket
import time
from random import Random
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from services.gateway.aio.command_writer import CommandWriter
from services.gateway.aio.connection import ClientConnection
from services.gateway.aio.feed_reader import FeedReader
from services.gateway.aio.health import Health
from services.gateway.gateway import TURNS, Gateway
from services.gateway.limits import GatewayLimits
from services.gateway.metrics import HopTimes
from services.gateway.replica import Changes
from services.gateway.settings import GatewaySettings
from shared.aio.redis_connection import open_redis
from shared.stream_keys import StreamKeys

BACKLOG: Final = 4096
"""Connections that the kernel holds until we accept them: 1,000 users open at once, and asyncio's 100 would make them
wait for SYN retries."""
SEND_BUFFER_BYTES: Final = 256 * 1024
"""The kernel's share of what is unsent to one client: bounded, so that a slow one is noticed."""
SWEEP_S: Final = 1.0
"""Every client's time between two heartbeats."""
FEED_CHECK_S: Final = 0.25
"""With the limit of the feed's silence this keeps the promise that users hear of it within 3 s."""
DRAIN_S: Final = 5.0
"""Time for clients to leave at a planned shutdown; above the time that a close may take."""


class GatewayServer:
    """
    One running gateway replica.

    Args:
        settings: Of this replica.
        secret: Key of the tokens.
        limits: What it allows.
    """

    def __init__(self, settings: GatewaySettings, secret: bytes, limits: GatewayLimits) -> None:
        random = Random(secrets.randbits(64))  # noqa: S311 - jitter, no secret
        keys = StreamKeys(settings.shard)
        source = f"gateway-{secrets.token_hex(8)}"
        self.loop = asyncio.get_running_loop()
        self.websocket_log = logging.getLogger("openoutcry.websocket")
        self.gateway = Gateway(source, secret, limits, settings.pace_ms / 1000, random)
        self._reading = open_redis(settings.redis_url, "gateway-feed")
        self._writing = open_redis(settings.redis_url, "gateway-commands")
        self.feed_reader = FeedReader(self._reading, keys, self, random)
        self.command_writer = CommandWriter(self._writing, keys, self.gateway.orders, random)
        registry = CollectorRegistry()
        self.hops = HopTimes(registry)
        self.health = Health(self, registry)
        self.port = settings.port
        """Where it listens; the one that was free, if 0 was asked for, once it runs."""
        self._settings = settings
        self._flush_timer: asyncio.TimerHandle | None = None
        self._unsent_since: float | None = None
        self.log = structlog.get_logger().bind(source=source)

    def now(self) -> float:
        """Monotonic seconds; the core's `now`."""
        return time.monotonic()

    def time_us(self) -> int:
        """Unix time in microseconds."""
        return time.time_ns() // 1000

    def packets_read(self, changes: Changes) -> None:
        """Pass on what the feed brought, at once if it is due."""
        now = self.now()
        self.gateway.heard(changes, now, self.time_us())
        if self._unsent_since is None and self.gateway.service.next_deadline() is not None:
            self._unsent_since = now
        self.flush()

    def flush(self) -> None:
        """Send what is due, and come back when the rest is."""
        service = self.gateway.service
        began_at = self.now()
        if service.flush_due(began_at):
            self.hops.flush.observe(self.now() - began_at)
            if self._unsent_since is not None:
                self.hops.flush_wait.observe(began_at - self._unsent_since)
                self._unsent_since = None
        deadline = service.next_deadline()
        if deadline is None:
            return
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        self._flush_timer = self.loop.call_later(max(0.0, deadline - self.now()), self.flush)

    async def run(self, stop: asyncio.Event) -> None:
        """
        Serve until `stop` is set; then take no more, say goodbye, drain, and close.

        Raises:
            OSError: If the address cannot be listened on.
        """
        listener = _listen(self._settings.host, self._settings.port)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self.feed_reader.run(), name="feed reader"),
                    tasks.create_task(self.command_writer.run(), name="command writer"),
                    tasks.create_task(self._sweep(), name="sweep"),
                    tasks.create_task(self._check_feed(), name="feed check"),
                ]
                server = await self.loop.create_server(lambda: ClientConnection(self), sock=listener, backlog=BACKLOG)
                self.port = listener.getsockname()[1]
                self.log.info("listening", host=self._settings.host, port=self.port)
                await stop.wait()
                server.close()
                await self._drain()
                for task in running:
                    task.cancel()
        finally:
            listener.close()
            await self._reading.aclose()
            await self._writing.aclose()
        self.log.info("stopped")

    async def _sweep(self) -> None:
        due_at = self.now()
        for turn in itertools.cycle(range(TURNS)):
            due_at = max(due_at + SWEEP_S / TURNS, self.now())  # late turns do not pile up
            await asyncio.sleep(due_at - self.now())
            self.gateway.sweep(turn, self.now(), self.time_us())

    async def _check_feed(self) -> None:
        while True:
            await asyncio.sleep(FEED_CHECK_S)
            self.gateway.check_feed(self.now(), self.time_us())

    async def _drain(self) -> None:
        self.gateway.drain(self.now(), self.time_us())
        deadline = self.now() + DRAIN_S
        while self.gateway.clients and self.now() < deadline:  # noqa: ASYNC110 - the core knows no events
            await asyncio.sleep(0.02)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listener.bind((host, port))
        listener.setblocking(False)  # noqa: FBT003
    except OSError:
        listener.close()
        raise
    return listener

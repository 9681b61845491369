"""The gateway's shell: sockets, clocks, tasks, and the order in which they end."""

from __future__ import annotations

import asyncio
import errno
import itertools
import logging
import secrets
import socket
import time
from random import Random
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import CollectorRegistry

from services.gateway.aio.answer_body import BODIES_MAX
from services.gateway.aio.certificate import Certificate, CertificateCollector, open_certificate
from services.gateway.aio.command_appender import CommandAppender
from services.gateway.aio.connection import ClientConnection
from services.gateway.aio.direct_write import write_to_all
from services.gateway.aio.feed_line import FeedLine, FeedLineCollector
from services.gateway.aio.feed_reader import FeedReader
from services.gateway.aio.flush_way import open_ring
from services.gateway.aio.handshake_queue import HandshakeQueue, PendingConnections
from services.gateway.aio.health import gateway_pages
from services.gateway.aio.ports import ConnectionPorts, FeedPorts
from services.gateway.aio.read_queue import ReadQueue
from services.gateway.aio.settings import GatewaySettings, read_ports
from services.gateway.aio.tls_connection import TlsConnection
from services.gateway.attempts import HandshakeShares
from services.gateway.client_address import TrustedProxies
from services.gateway.gateway import TURNS, Gateway
from services.gateway.limits import GatewayLimits
from services.gateway.metrics import AcceptStatistics, HopTimes
from services.gateway.page_files import PageFiles, PageSettings
from services.gateway.replica import Changes
from shared.aio.access_teller import tell_accesses
from shared.aio.build_info import tell_build
from shared.aio.key_source import KeySource
from shared.aio.redis_connection import open_redis
from shared.aio.redis_line import RedisLine
from shared.aio.tracing import open_tracing
from shared.identity import Authenticator
from shared.key_ring import KeyRing
from shared.logs.stream_keys import StreamKeys
from shared.token_keys import shared_key

if TYPE_CHECKING:
    from shared.aio.order_traces import TracedOrder

BACKLOG: Final = 4096
"""Connections that the kernel holds until we accept them: 1,000 users open at once, and asyncio's 100 would make them
wait for SYN retries."""
SEND_BUFFER_BYTES: Final = 256 * 1024
"""The kernel's share of what is unsent to one client: bounded, so that a slow one is noticed."""
RECEIVE_BUFFER_BYTES: Final = 64 * 1024
"""The kernel's share of what a client has sent ahead: it bounds what one read brings, and so what is held of it."""
SWEEP_S: Final = 1.0
"""Every client's time between two heartbeats."""
CERTIFICATE_CHECK_S: Final = 60.0
"""Between two looks at whether the certificate's files have changed."""
FEED_CHECK_S: Final = 0.25
"""With the limit of the feed's silence this keeps the promise that users hear of it within 3 s."""
HOST_NAME_MAX: Final = 64
"""Letters of the machine's name that users are told."""


class GatewayServer:
    """
    One running gateway replica.

    Args:
        settings: Of this replica.
        secret: Key of HS256 tokens; not looked at where the settings name the keys of an identity provider.
        limits: What it allows.
        page: What browsers are served; none unless it is given.
    """

    def __init__(
        self, settings: GatewaySettings, secret: bytes, limits: GatewayLimits, page: PageFiles | None = None
    ) -> None:
        random = Random(secrets.randbits(64))  # noqa: S311 - jitter, no secret
        keys = StreamKeys(settings.shard)
        source = f"gateway-{secrets.token_hex(8)}"
        self.loop = asyncio.get_running_loop()
        self.log = structlog.get_logger().bind(source=source)
        registry = CollectorRegistry()
        tell_build(registry)
        self._ring = open_ring(settings.io_uring, self.log, registry)
        ring = KeyRing(None if settings.jwks else shared_key(secret))
        authenticator = Authenticator(ring, settings.audience())
        self.gateway = Gateway(
            source, authenticator, limits, settings.pace_ms / 1000, random, self._ring or write_to_all
        )
        self._reading = open_redis(settings.redis_url, "gateway-feed", settings.redis_credentials)
        self._replica = (
            open_redis(settings.feed_url, "gateway-replica", settings.redis_credentials, reads_replica=True)
            if settings.feed_url
            else None
        )
        self._writing = open_redis(settings.redis_url, "gateway-commands", settings.redis_credentials)
        self._traces = open_tracing(settings, "gateway", source)
        self._traced_ns: dict[TracedOrder, int] = {}
        self.appender = CommandAppender(RedisLine(self._writing), keys, self.gateway.orders, random, self._traces)
        self.hops = HopTimes(registry)
        feed_ports = FeedPorts(
            self.gateway.market, self.now, self.time_us, self.hops, self.packets_read, self._place_lost
        )
        feed_line = RedisLine(self._reading)
        if self._replica is not None:
            feed_line = FeedLine(self._reading, self._replica, self.now, self.log)
            registry.register(FeedLineCollector(feed_line))
        self.feed_reader = FeedReader(feed_line, keys, feed_ports, random)
        self.accept_statistics = AcceptStatistics()
        self._key_source = KeySource(settings.jwks, ring, self._keys_loaded) if settings.jwks else None
        self.port = 0
        """Where it listens, once it does."""
        self._settings = settings
        self._certificate = open_certificate(settings.tls_cert, settings.tls_key, self.log)
        if self._certificate is not None:
            registry.register(CertificateCollector(self._certificate))
        self._host_name = socket.gethostname()[:HOST_NAME_MAX]
        self._flush_timer: asyncio.TimerHandle | None = None
        self._part_timer: asyncio.Handle | None = None
        self._unsent_since: float | None = None
        self.connection_ports = ConnectionPorts(
            gateway=self.gateway,
            replica=self.replica,
            now=self.now,
            time_us=self.time_us,
            wake=self.wake,
            loop=self.loop,
            pending=PendingConnections(),
            handshakes=HandshakeQueue(self.loop),
            read_queue=ReadQueue(self.loop),
            shares=HandshakeShares(limits, self.now(), random),
            trusted_proxies=TrustedProxies(settings.trusted_proxies),
            bodies=PendingConnections(BODIES_MAX),
            pages=gateway_pages(self.gateway, self.feed_reader, self.accept_statistics, self.now, registry),
            page=page or PageFiles({}, PageSettings("")),
            page_origins=frozenset(settings.page_origins),
            statistics=self.accept_statistics,
            log=self.log,
            websocket_log=logging.getLogger("openoutcry.websocket"),
        )

    def replica(self) -> str:
        """Return this gateway's name for its users: the machine's, or the container's, and the port."""
        return f"{self._host_name}:{self.port}"

    def now(self) -> float:
        """Monotonic seconds; the core's `now`."""
        return time.monotonic()

    def time_us(self) -> int:
        """Unix time in microseconds."""
        return time.time_ns() // 1000

    def packets_read(self, changes: Changes) -> None:
        """Pass on what the feed brought, at once if it is due."""
        now = self.now()
        if self._traces is not None:
            self._traced_ns |= dict.fromkeys(self._traces.among(changes.outcomes), time.time_ns())
        self.gateway.heard(changes, now, self.time_us())
        if self._unsent_since is None and self.gateway.service.next_deadline() is not None:
            self._unsent_since = now
        self.flush()

    def wake(self) -> None:
        """Have what clients have asked for passed on: commands to the log, and what is large in parts."""
        self.appender.wake()
        self._go_on_soon()

    def _go_on_soon(self) -> None:
        if self._part_timer is None and self.gateway.has_more:
            self._part_timer = self.loop.call_soon(self._go_on)

    def flush(self) -> None:
        """Send what is due, and come back when the rest is."""
        service = self.gateway.service
        began_at = self.now()
        if is_flushed := service.flush_due(began_at):
            self.hops.flush.observe(self.now() - began_at)
            if self._unsent_since is not None:
                self.hops.flush_wait.observe(began_at - self._unsent_since)
                self._unsent_since = None
        self._go_on_soon()  # with deep books' snapshots, which a flush may ask for
        deadline = service.next_deadline()
        if self._traces is not None and (is_flushed or deadline is None):
            self._traces.told(self._traced_ns)
            self._traced_ns.clear()
        if deadline is None:
            return
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        self._flush_timer = self.loop.call_later(max(0.0, deadline - self.now()), self.flush)

    async def _tell_accesses(self) -> None:
        async with open_redis(self._settings.redis_url, "gateway-audit", self._settings.redis_credentials) as redis:
            await tell_accesses(RedisLine(redis), StreamKeys(self._settings.shard), self.gateway.refused)

    async def run(self, stop: asyncio.Event) -> None:
        """
        Serve until `stop` is set; then be not ready, say goodbye, drain, and close.

        The port is open to the end, so that balancers read "draining" there, and do not take this replica for dead.

        Raises:
            OSError: If the address cannot be listened on.
        """
        listener = _listen(self._settings.host, self._settings.port)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self.feed_reader.run(), name="feed reader"),
                    tasks.create_task(self.appender.run(), name="command appender"),
                    tasks.create_task(self._sweep(), name="sweep"),
                    tasks.create_task(self._check_feed(), name="feed check"),
                ]
                running.append(tasks.create_task(self._tell_accesses(), name="refused accesses"))
                if self._key_source is not None:
                    running.append(tasks.create_task(self._key_source.run(), name="key source"))
                server = await self.loop.create_server(self._accept, sock=listener, backlog=BACKLOG)
                if self._certificate is not None:
                    running.append(tasks.create_task(self._watch(self._certificate), name="certificate"))
                self.port = listener.getsockname()[1]
                self.log.info("listening", host=self._settings.host, port=self.port, tls=self._certificate is not None)
                await stop.wait()
                await self._drain()
                server.close()
                for task in running:
                    task.cancel()
        finally:
            listener.close()
            self.connection_ports.handshakes.close()
            self.connection_ports.read_queue.close()
            if self._part_timer is not None:
                self._part_timer.cancel()
            await self._reading.aclose()
            if self._replica is not None:
                await self._replica.aclose()
            await self._writing.aclose()
            if self._traces is not None:
                self._traces.close()
            if self._ring is not None:
                self._ring.close()
        self.log.info("stopped")

    def reload_certificate(self) -> None:
        """Show newcomers the certificate that the files hold now, if there is one and it serves."""
        if self._certificate is not None:
            self._certificate.reload()

    async def _watch(self, certificate: Certificate) -> None:
        """Reload a certificate whose files have changed: where they are mounted, nobody sends SIGHUP."""
        while True:
            await asyncio.sleep(CERTIFICATE_CHECK_S)
            if await asyncio.to_thread(certificate.is_changed):
                certificate.reload()

    def _accept(self) -> asyncio.Protocol:
        if self._certificate is not None:
            return TlsConnection(self.connection_ports, self._certificate)
        return ClientConnection(self.connection_ports)

    def _go_on(self) -> None:
        self._part_timer = None
        try:
            self.gateway.go_on(self.now(), self.time_us())
        finally:  # whatever happened to one, the others are not to wait for ever
            self.wake()
            self.flush()  # what has been made may be what a channel waits for

    def _place_lost(self, reason: str) -> None:
        self.gateway.lost_place(reason, self.time_us())

    def _keys_loaded(self, has_loaded: bool) -> None:  # noqa: FBT001 - the one thing there is to say of a load
        self.accept_statistics.key_loads_failed += not has_loaded
        self.gateway.keys_loaded()
        self.wake()

    async def _sweep(self) -> None:
        due_at = self.now()
        for turn in itertools.cycle(range(TURNS)):
            due_at = max(due_at + SWEEP_S / TURNS, self.now())  # late turns do not pile up
            await asyncio.sleep(due_at - self.now())
            self.hops.event_loop_lag.observe(max(0.0, self.now() - due_at))
            self.gateway.sweep(turn, self.now(), self.time_us())
            self.wake()

    async def _check_feed(self) -> None:
        while True:
            await asyncio.sleep(FEED_CHECK_S)
            self.gateway.check_feed(self.now(), self.time_us())

    async def _drain(self) -> None:
        self.gateway.is_leaving = True
        self.log.info("draining", connections=len(self.gateway.clients), delay_s=self._settings.drain_delay_s)
        await asyncio.sleep(self._settings.drain_delay_s)
        self.gateway.drain(self.now(), self.time_us())
        deadline = self.now() + self._settings.drain_s
        while self.gateway.clients and self.now() < deadline:  # noqa: ASYNC110 - the core knows no events
            await asyncio.sleep(0.02)


def _listen(host: str, ports: int | str) -> socket.socket:
    """Listen on the first free port of those; on a range, replicas started together each find one."""
    *others, last = read_ports(ports)
    for port in others:
        try:
            return _listen_on(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return _listen_on(host, last)


def _listen_on(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        listener.bind((host, port))
        listener.listen(BACKLOG)  # two may bind one port: it is taken by who listens first
        listener.setblocking(False)  # noqa: FBT003
    except OSError:
        listener.close()
        raise
    return listener

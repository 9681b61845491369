"""What takes part: something that holds WebSocket users and tells them updates, ours or not.

A `Contestant` is known by name and can be opened; what then runs (`Running`) has its processes, the C users that talk
to it, and takes updates at a rate. `Peer` is what nearly all of them are: servers that carry marks.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.fan_out.publisher import FeedSink, Publisher, Sink
from benchmarks.fan_out.users import CUsers, Report, UsersPlan
from outcry.stack.aio.child import Child
from outcry.stack.aio.free_ports import free_ports
from outcry.stack.aio.local_redis import LocalRedis
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.stop_signal import StopSignal

HOST: Final = "127.0.0.1"
START_SECONDS_MAX: Final = 20.0
CONNECT_SECONDS_MAX: Final = 1.0


class Running(abc.ABC):
    """A contestant in action, and its users."""

    users: CUsers
    """Not open yet."""
    servers: list[Child]
    """Who holds the sockets."""
    helpers: list[Child]
    """Brokers, stores, and publishers that are a part of it."""

    @abc.abstractmethod
    async def publish(self, rate: float, size: int) -> None:
        """
        Begin to publish.

        Args:
            rate: Updates a second.
            size: Bytes of each, if that can be chosen.
        """

    @abc.abstractmethod
    async def hush(self) -> bool:
        """Stop publishing; False if the server had stalled, so that publishing ended before."""

    @abc.abstractmethod
    def deliveries(self, report: Report) -> int:
        """Return how many messages with updates the users got."""


class Contestant(abc.ABC):
    """Something that can take part."""

    name: str
    """As `--only` has it."""
    first_rate: float = 100
    """Where the search for its highest rate begins, updates a second."""
    is_typical: bool = True
    """Whether it is looked at at one rate as well; not when a delivery costs it the same as another contestant."""

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """As tables have it."""

    @abc.abstractmethod
    def check(self) -> None:
        """
        Make sure that it can run here.

        Raises:
            NotInstalled: If it cannot; the text says what is missing.
            NoCompiler: If it is a C program and there is no compiler.
            ConfigurationError: If it needs a Redis and there is none.
        """

    @abc.abstractmethod
    def open(self, users: int, stop: StopSignal) -> AbstractAsyncContextManager[Running]:
        """
        Start it, with C users that are not open yet; all its processes are gone at the end.

        Raises:
            RoleFailed: If a part does not come up.
            Interrupted: At Ctrl-C.
        """


class House:
    """
    Where a peer's processes live and end.

    Args:
        folder: Private, for logs and settings.
        stop: Ctrl-C.
        ends: Ends everything, the last first.
    """

    def __init__(self, folder: Path, stop: StopSignal, ends: contextlib.ExitStack) -> None:
        self.folder: Final = folder
        self.servers: list[Child] = []
        self.helpers: list[Child] = []
        self._stop = stop
        self._ends = ends

    async def server(self, argv: Sequence[str], *ports: int) -> None:
        """Start a process that holds sockets, and wait until it listens."""
        await self._start("server", argv, self.servers, ports)

    async def helper(self, argv: Sequence[str], *ports: int) -> None:
        """Start a process that does not, and wait until it listens."""
        await self._start("helper", argv, self.helpers, ports)

    def redis(self) -> str:
        """Start a Redis and return its URL."""
        redis = self._ends.enter_context(LocalRedis(self.folder))
        self.helpers.append(redis.child)
        return redis.url

    async def _start(self, kind: str, argv: Sequence[str], children: list[Child], ports: Sequence[int]) -> None:
        child = self._ends.enter_context(Child(f"{kind}-{len(children)}", argv, self.folder))
        children.append(child)
        for port in ports:
            what = f"{argv[0]} did not listen on {port}"
            await self._stop.until(functools.partial(_listens, port), START_SECONDS_MAX, what, [child])


class Entrance(NamedTuple):
    """How users and updates come into a peer."""

    port: int
    """For WebSocket clients."""
    open_sink: Callable[[], Sink]
    """For updates."""
    path: str = "/"
    hello: bytes = b""
    """Client frames that subscribe."""
    hello_after: str | None = None


class Peer(Contestant):
    """A server that carries marks, one update a message."""

    @abc.abstractmethod
    async def start(self, house: House) -> Entrance:
        """Start its processes in a house."""

    @contextlib.asynccontextmanager
    async def open(self, users: int, stop: StopSignal) -> AsyncIterator[Running]:
        """Start it."""
        with private_folder() as folder, contextlib.ExitStack() as ends:
            house = House(folder, stop, ends)
            entrance = await self.start(house)
            crowd = ends.enter_context(CUsers(_plan(entrance, users, folder)))
            running = PeerRunning(crowd, house.servers, house.helpers, entrance.open_sink)
            try:
                yield running
            finally:
                await running.hush()


class FedPeer(Peer):
    """A peer whose server is one of ours: arguments PORT and FEED, and perhaps more."""

    @abc.abstractmethod
    def argv(self) -> list[str]:
        """Return the server's program and what comes before PORT and FEED."""

    def more(self) -> list[str]:
        """Return what comes after them."""
        return []

    async def start(self, house: House) -> Entrance:
        """Start the server."""
        port, feed = free_ports(2)
        await house.server([*self.argv(), str(port), str(feed), *self.more()], port, feed)
        return Entrance(port, lambda: FeedSink(feed))


class PeerRunning(Running):
    """
    A running peer.

    Args:
        users: Not open yet.
        servers: Who holds the sockets.
        helpers: The others.
        open_sink: For updates.
    """

    def __init__(
        self, users: CUsers, servers: list[Child], helpers: list[Child], open_sink: Callable[[], Sink]
    ) -> None:
        self.users = users
        self.servers = servers
        self.helpers = helpers
        self._open_sink = open_sink
        self._publisher: Publisher | None = None
        self._next_counter = 1

    async def publish(self, rate: float, size: int) -> None:
        """Begin to publish; counters go on from one time to the next."""
        self._publisher = Publisher(self._open_sink, rate, size, self._next_counter)

    async def hush(self) -> bool:
        """Stop publishing."""
        if self._publisher is None:
            return True
        publisher, self._publisher = self._publisher, None
        await asyncio.to_thread(publisher.stop)
        self._next_counter = publisher.next_counter
        return publisher.failure is None

    def deliveries(self, report: Report) -> int:
        """Count marks: one update is one message."""
        return report.updates


def _plan(entrance: Entrance, users: int, folder: Path) -> UsersPlan:
    hello = folder / "hello"
    hello.write_bytes(entrance.hello)
    return UsersPlan(
        connect=(f"{HOST}:{entrance.port}",),
        users=users,
        check="marks",
        path=entrance.path,
        hello=hello,
        hello_after=entrance.hello_after,
    )


async def _listens(port: int) -> bool:
    try:
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            _, writer = await asyncio.open_connection(HOST, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True

"""TCP made of memory: streams of bytes in order, late, held back, or ended by a reset.

Owns what a network may do to two parties and no more than that: inside a connection nothing is lost, repeated or
reordered, unless damage is asked for; what is written may arrive in pieces; a connection may end at any moment, and
then nobody knows how much of the last bytes arrived. As with a real kernel, bytes that were written before a process
closed or died may still arrive later.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

if TYPE_CHECKING:
    from tests.simulation.world import World

DELAY_S: Final = (0.0001, 0.0008)
SLOW_DELAY_S: Final = (0.02, 0.4)
CUT_SHARE: Final = 0.05
"""How many pieces arrive in two."""
TORN_SHARE: Final = 0.3
"""How many connections of a process that dies end within a piece."""
DAMAGED_SHARE: Final = 0.1
"""How many pieces change on the way, where any do."""


class End(Protocol):
    """One party of a connection."""

    def opened(self, connection: Connection, side: int) -> None:
        """The connection is there."""

    def received(self, data: bytes) -> None:
        """Bytes have come."""

    def ended(self, error: Exception | None, *, by_peer: bool) -> None:
        """The connection is gone: closed in order (None), or reset."""


class _Pipe:
    """One direction."""

    def __init__(self, network: Network, route: frozenset[str]) -> None:
        self._network = network
        self.route = route
        self.deliver: Callable[[bytes | None], None] = lambda data: None
        """Takes bytes, or None for the end of the stream."""
        self.is_paused = False
        """The receiver does not read."""
        self.is_cut = False
        self.is_damaged = False
        """Bytes of it have changed on the way."""
        self.waiting: deque[bytes | None] = deque()
        self._free_at = 0.0

    @property
    def unsent(self) -> int:
        return sum(len(data) for data in self.waiting if data) if self.is_paused else 0

    def send(self, data: bytes | None) -> None:
        network = self._network
        for piece in network.pieces(data):
            self._free_at = max(self._free_at, network.world.now + network.delay(self.route))
            self.waiting.append(piece)
            network.world.at(self._free_at, self.arrive)

    def arrive(self) -> None:
        """One piece is due; or all that waits, after an interruption."""
        if self.is_paused or self.route in self._network.partitions:
            return
        if self.waiting and not self.is_cut:
            self.deliver(self._network.transmitted(self, self.waiting.popleft()))

    def tear(self) -> None:
        """The last piece was not written whole: its writer died meanwhile."""
        if self.waiting and self.waiting[-1]:
            self.waiting[-1] = self.waiting[-1][: len(self.waiting[-1]) // 2] or None

    def go_on(self) -> None:
        """Deliver what was held back."""
        for _ in range(len(self.waiting)):
            self._network.world.after(self._network.delay(self.route), self.arrive)


class Connection:
    """Two parties, two directions."""

    def __init__(self, network: Network, names: tuple[str, str], ends: tuple[End, End]) -> None:
        self.network = network
        self.names = names
        self.ends = ends
        self.is_open = [True, True]
        route = frozenset(names)
        self.pipes = (_Pipe(network, route), _Pipe(network, route))
        """From side 0 to side 1, and back."""
        for side in (0, 1):
            self.pipes[side].deliver = self._deliverer(1 - side)

    def write(self, side: int, data: bytes) -> None:
        """Send from a side."""
        if self.is_open[side]:
            self.pipes[side].send(data)

    def close(self, side: int) -> None:
        """End in order: what was written still arrives."""
        if self.is_open[side]:
            self.is_open[side] = False
            self.pipes[side].send(None)
            self.ends[side].ended(None, by_peer=False)
            self._forget()

    def reset(self) -> None:
        """End at once, on both sides; what is under way is lost."""
        for side in (0, 1):
            self.pipes[side].is_cut = True
            if self.is_open[side]:
                self.is_open[side] = False
                self.ends[side].ended(ConnectionResetError(104, "Connection reset by peer"), by_peer=True)
        self._forget()

    def _deliverer(self, side: int) -> Callable[[bytes | None], None]:
        def deliver(data: bytes | None) -> None:
            if not self.is_open[side]:
                return
            if data is None:
                self.is_open[side] = False
                self.ends[side].ended(None, by_peer=True)
                self._forget()
            else:
                self.ends[side].received(data)

        return deliver

    def _forget(self) -> None:
        if not any(self.is_open):
            self.network.connections.pop(self, None)


class Network:
    """
    All connections of a world.

    Args:
        world: Time and chance.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.connections: dict[Connection, None] = {}
        self.partitions: dict[frozenset[str], None] = {}
        self.slow: dict[str, None] = {}
        self.damaged: dict[str, None] = {}
        """Parties whose bytes may change on the way."""
        self._random = world.stream("network")
        self._listeners: dict[str, tuple[str, Callable[[], End]]] = {}

    def delay(self, route: frozenset[str]) -> float:
        """Draw how long one piece takes."""
        is_slow = any(name in self.slow for name in route)
        return self._random.uniform(*(SLOW_DELAY_S if is_slow else DELAY_S))

    def pieces(self, data: bytes | None) -> list[bytes | None]:
        """Cut what is written as TCP may: a piece need not arrive as it was written."""
        if data is None or len(data) < 2 or self._random.random() >= CUT_SHARE:
            return [data]
        at = self._random.randrange(1, len(data))
        return [data[:at], data[at:]]

    def transmitted(self, pipe: _Pipe, data: bytes | None) -> bytes | None:
        """Return a piece as it arrives."""
        if (
            not data
            or not self.damaged
            or pipe.route.isdisjoint(self.damaged)
            or self._random.random() >= DAMAGED_SHARE
        ):
            return data
        pipe.is_damaged = True
        self.world.note("network", f"damages {len(data)} bytes", kind="pieces damaged")
        at = self._random.randrange(len(data))
        match self._random.randrange(4):
            case 0:
                return data[:at]
            case 1:
                return data + data[at:]
            case _:
                return data[:at] + bytes([data[at] ^ 1 << self._random.randrange(8)]) + data[at + 1 :]

    def listen(self, address: str, name: str, accept: Callable[[], End] | None) -> None:
        """Accept connections at an address, or (None) no longer."""
        if accept is None:
            self._listeners.pop(address, None)
        else:
            self._listeners[address] = (name, accept)

    async def connect(self, name: str, address: str, end: End, loop: asyncio.AbstractEventLoop) -> None:
        """
        Connect a process; its protocol hears of it before this returns.

        Raises:
            ConnectionRefusedError: If nobody listens.
        """
        opened = loop.create_future()

        def answer() -> None:
            if loop.is_closed() or opened.done():
                return
            if self.open(name, address, end):
                opened.set_result(None)
            else:
                opened.set_exception(ConnectionRefusedError(111, "Connection refused"))

        listener = self._listeners.get(address)
        route = frozenset((name, listener[0])) if listener else frozenset((name,))
        while route in self.partitions:  # noqa: ASYNC110 - SYN again and again; the caller has a timeout
            await asyncio.sleep(0.05)
        self.world.after(self.delay(route), answer)
        await opened

    def open(self, name: str, address: str, end: End) -> bool:
        """Connect at once; False if nobody listens, or cannot be reached."""
        listener = self._listeners.get(address)
        if listener is None or frozenset((name, listener[0])) in self.partitions:
            return False
        accepting = listener[1]()
        connection = Connection(self, (name, listener[0]), (end, accepting))
        self.connections[connection] = None
        end.opened(connection, 0)
        accepting.opened(connection, 1)
        return True

    def partition(self, first: str, second: str) -> None:
        """Let nothing through between two parties; it waits, as TCP would have it."""
        self.partitions[frozenset((first, second))] = None

    def heal(self, first: str, second: str) -> None:
        """Let everything through again."""
        route = frozenset((first, second))
        self.partitions.pop(route, None)
        for connection in list(self.connections):
            for pipe in connection.pipes:
                if pipe.route == route:
                    pipe.go_on()

    def reset(self, name: str, other: str | None = None) -> None:
        """Reset the connections of a party, or those between two."""
        for connection in list(self.connections):
            if name in connection.names and (other is None or other in connection.names):
                connection.reset()

    def end_of(self, name: str) -> None:
        """Close the connections of a process that is no more; what it had written still arrives."""
        for connection in list(self.connections):
            for side in (0, 1):
                if connection.names[side] == name:
                    if self._random.random() < TORN_SHARE:
                        connection.pipes[side].tear()
                    connection.close(side)


class ProcessTransport(asyncio.Transport):
    """
    A connection as asyncio's protocols see it.

    Args:
        loop: Of the process.
        protocol: Whose.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = cast("asyncio.Protocol", protocol)
        self._connection: Connection | None = None
        self._side = 0
        self._high, self._low = 64 * 1024, 16 * 1024
        self._writing_is_paused = False
        self._is_closing = False

    # The network's side.

    def opened(self, connection: Connection, side: int) -> None:
        self._connection, self._side = connection, side
        self._loop.call_soon(self._protocol.connection_made, self)

    def received(self, data: bytes) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon(self._pass_on, data)

    def ended(self, error: Exception | None, *, by_peer: bool) -> None:
        self._is_closing = True
        if self._loop.is_closed():
            return
        if by_peer and error is None:
            self._loop.call_soon(self._protocol.eof_received)
        self._loop.call_soon(self._protocol.connection_lost, error)

    def drained(self) -> None:
        """The peer reads again."""
        if self._writing_is_paused and not self._loop.is_closed() and self.get_write_buffer_size() <= self._low:
            self._writing_is_paused = False
            self._loop.call_soon(self._protocol.resume_writing)

    def _pass_on(self, data: bytes) -> None:
        if not self._is_closing:
            self._protocol.data_received(data)

    # asyncio's side.

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast("asyncio.Protocol", protocol)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert self._connection is not None
        self._connection.write(self._side, bytes(data))
        if not self._writing_is_paused and self.get_write_buffer_size() > self._high:
            self._writing_is_paused = True
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        assert self._connection is not None
        return self._connection.pipes[self._side].unsent

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = 64 * 1024 if high is None else high
        self._low = self._high // 4 if low is None else low

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        if self._connection is not None and not self._is_closing:
            self._connection.close(self._side)

    def abort(self) -> None:
        if self._connection is not None and not self._is_closing:
            self._connection.reset()

"""`python -m benchmarks.order_parts`: what one order costs the exchange in user CPU, part by part.

Two gateways with clients of their own, and the engine, one after the other in one process and without a network: what
the kernel, Redis and the event loop cost comes on top (table `scaling-orders`). A part works through a whole batch, as
it does under load. The orders are those of the goal: half rest at ten prices, half trade with these.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, cast

import structlog
from websockets.client import ClientProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from benchmarks.command import run
from benchmarks.goals.order_path import WIDTH
from benchmarks.goals.order_senders import crossing_orders
from benchmarks.measure import Effort, Spread, in_new_process, spread
from benchmarks.table import Table
from openoutcry.wire.codec import Encoding, encode_request
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import Code
from services.gateway.__main__ import COLLECTOR_THRESHOLDS
from services.gateway.aio.connection import FRAME_BYTES_MAX, ClientConnection
from services.gateway.aio.handshake_queue import HandshakeQueue, Newcomer
from services.gateway.aio.read_queue import Reader, ReadQueue
from services.gateway.aio.server import GatewayServer
from services.gateway.aio.settings import GatewaySettings
from services.gateway.client_frames import ClientFrames, Cut, ForTheLibrary
from services.gateway.limits import GatewayLimits
from services.gateway.replica import Changes
from services.matching.command_log import decode_entry
from services.matching.engine import Engine
from services.matching.packet_builder import PacketBuilder
from shared.identity import mint_token
from shared.logs.commands import ListInstrument, encode_commands
from shared.logs.packet import FeedId, Packet, decode_packet, encode_packet
from shared.logs.stream_keys import COMMANDS_FIELD
from shared.token_bucket import Rate
from shared.websocket_frame import BINARY, client_frame

CLIENTS: Final = 500
"""Of each gateway."""
BATCH: Final = 64
"""Orders in an entry of the log, and in a packet."""
BATCHES: Final = 300
RUNS_MAX: Final = 5
SECRET: Final = bytes(32)
NO_LIMIT: Final = Rate(1e6, 1_000_000)
MASK: Final = b"\x01\x02\x03\x04"
PARTS: Final = (
    "a gateway receives it, websockets reading every frame",
    "a gateway receives it, whole frames cut here",
    "… and encodes it for the command log",
    "the engine decodes the log's entry",
    "… carries it out",
    "… and encodes the packet",
    "its gateway decodes the packet",
    "… applies it",
    "… and answers",
    "another gateway decodes the packet",
    "… and applies it",
)


def measure(effort: Effort) -> list[Table]:
    """Return one row for each part."""
    batches = effort.cases(BATCHES, 4)
    found = [in_new_process(_look, batches) for _ in range(min(effort.runs, RUNS_MAX))]
    return [
        Table(
            "order-parts",
            f"User CPU µs of one order, in batches of {BATCH}, for {2 * CLIENTS:,} clients of two gateways; without "
            "kernel, Redis and event loop.",
            ["part", "µs"],
            [[part, _spread(found, part)] for part in PARTS],
        )
    ]


def _spread(found: list[dict[str, float]], part: str) -> Spread:
    return spread(used[part] for used in found)


class _Wire:
    """A transport that nothing waits in; counts what was written."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, _: bytes) -> None:
        self.written += 1

    def abort(self) -> None:
        raise AssertionError("no client was too slow")

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int) -> None:
        """Do nothing: it is never full."""

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        """Do nothing: what is to be read is given."""

    def resume_reading(self) -> None:
        """Likewise."""

    def get_extra_info(self, _: str) -> None:
        """Know nothing, a descriptor least of all."""


class _ForTheLibrary(ClientFrames):
    """Leaves every frame to the library."""

    def receive(self, data: bytes) -> None:
        self._held += data

    def _take(self, frame: bytes, start: int) -> Cut:  # noqa: ARG002
        return ForTheLibrary(frame)


class _AtOnce(ReadQueue):
    """Reads all that has come: what it costs is asked for, not when it is done."""

    def read(self, reader: Reader, now: float) -> None:  # noqa: ARG002
        while reader.read_on(math.inf):
            pass


class _OpenDoor(HandshakeQueue):
    """Answers whoever comes at once."""

    def come(self, newcomer: Newcomer) -> None:
        newcomer.answer()


class _House:
    """A gateway and its clients."""

    def __init__(self, name: str, *, cuts_frames: bool) -> None:
        limits = GatewayLimits(orders=NO_LIMIT, accepts=NO_LIMIT, controls=NO_LIMIT, commands_in_flight=10 * BATCH)
        self.server = GatewayServer(GatewaySettings(port=0), SECRET, limits)
        self.server.gateway.orders.source = name
        loop = self.server.loop
        self.ports = replace(self.server.connection_ports, read_queue=_AtOnce(loop), handshakes=_OpenDoor(loop))
        self.wires: list[_Wire] = []
        self.connections: list[ClientConnection] = []
        self.cuts_frames: Final = cuts_frames

    def open_clients(self, name: str) -> None:
        """Shake hands with all; the market must be listed."""
        for number in range(CLIENTS):
            wire, connection = _Wire(), ClientConnection(self.ports)
            connection.connection_made(cast("asyncio.Transport", wire))
            connection.data_received(_handshake(f"{name}-{number:04}"))
            if not self.cuts_frames:
                connection._frames = _ForTheLibrary(BINARY, FRAME_BYTES_MAX)  # noqa: SLF001 - no gateway needs to
            self.wires.append(wire)
            self.connections.append(connection)

    def take(self, packet: Packet) -> Changes:
        """Apply a packet."""
        changes = Changes()
        self.server.gateway.market.apply(FeedId(1, packet.position), packet, packet.time, changes)
        return changes

    def tell(self, changes: Changes) -> None:
        """Answer whom it concerns."""
        self.server.gateway.heard(changes, self.server.now(), self.server.time_us())


class _Clock:
    """Adds up CPU by part."""

    def __init__(self) -> None:
        self.used_ns = dict.fromkeys(PARTS, 0)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        began = time.thread_time_ns()
        yield
        self.used_ns[name] += time.thread_time_ns() - began


def _look(batches: int) -> dict[str, float]:
    """Return CPU µs of an order by part."""
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return asyncio.run(_work(batches))


async def _work(batches: int) -> dict[str, float]:
    engine = Engine()
    builder = PacketBuilder(engine)
    houses = [_House("slow", cuts_frames=False), _House("ours", cuts_frames=True)]
    frames = _frames()
    _list(builder, houses, str(crossing_orders(1)[0]["instrument"]))
    greetings = sum(wire.written for house in houses for wire in house.wires)
    clock = _Clock()
    for batch in range(batches):
        own, other = houses[batch % 2], houses[1 - batch % 2]
        _one_batch(clock, own, other, builder, [next(frames) for _ in range(BATCH)], batch * 7)
    orders = dict.fromkeys(PARTS, batches * BATCH)
    for part in PARTS[:2]:  # each by the clients of one gateway
        orders[part] = batches * BATCH // 2
    replies = sum(wire.written for house in houses for wire in house.wires) - greetings
    assert replies == batches * BATCH, "every order was answered"
    return {part: used / orders[part] / 1000 for part, used in clock.used_ns.items()}


def _one_batch(
    clock: _Clock, own: _House, other: _House, builder: PacketBuilder, frames: list[bytes], first: int
) -> None:
    connections = [own.connections[(first + number) % CLIENTS] for number in range(BATCH)]
    with clock.part(PARTS[own.cuts_frames]):
        for connection, frame in zip(connections, frames, strict=True):
            connection.data_received(frame)
    commands = own.server.gateway.orders.take_batch()
    with clock.part(PARTS[2]):
        entry = encode_commands(commands)
    with clock.part(PARTS[3]):
        read = decode_entry("commands", b"1-1", {COMMANDS_FIELD: entry}).commands
    with clock.part(PARTS[4]):
        for command in read:
            builder.apply(command, 1)
        packet = builder.take()
    assert packet is not None
    with clock.part(PARTS[5]):
        data = encode_packet(packet)
    with clock.part(PARTS[6]):
        decoded = decode_packet(data)
    with clock.part(PARTS[7]):
        changes = own.take(decoded)
    with clock.part(PARTS[8]):
        own.tell(changes)
    with clock.part(PARTS[9]):
        decoded = decode_packet(data)
    with clock.part(PARTS[10]):
        changes = other.take(decoded)
    other.tell(changes)
    assert [outcome.code for outcome in decoded.outcomes] == [Code.OK] * BATCH, "every order was accepted"


def _list(builder: PacketBuilder, houses: list[_House], symbol: str) -> None:
    builder.apply(ListInstrument("operator", 1, Instrument(symbol)), 1)
    packet = builder.take()
    assert packet is not None
    for house in houses:
        house.tell(house.take(packet))
        house.open_clients(house.server.gateway.orders.source)


def _frames() -> Iterator[bytes]:
    """Yield one order after the other as it comes from a client."""
    orders = crossing_orders(WIDTH)
    for number in range(10**9):
        name = f"{number:010}"
        order = orders[number % len(orders)] | {"id": name, "client_order_id": name}
        yield client_frame(encode_request(order, Encoding.MSGPACK), BINARY, MASK)


def _handshake(user: str) -> bytes:
    protocol = ClientProtocol(parse_uri("ws://localhost/v1/stream"), subprotocols=[Subprotocol(Encoding.MSGPACK.value)])
    request = protocol.connect()
    request.headers["Authorization"] = f"Bearer {mint_token(user, SECRET, 4e9)}"
    return request.serialize()


if __name__ == "__main__":
    run({"benchmarks.order_parts": measure})

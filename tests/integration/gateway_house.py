"""A real gateway on real sockets and a real Redis, fed by a make-believe exchange."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from openoutcry.wire.codec import Encoding, decode_messages, encode_request
from openoutcry.wire.messages import Message
from services.gateway.aio.health import readiness
from services.gateway.aio.server import GatewayServer
from services.gateway.aio.settings import GatewaySettings
from services.gateway.limits import GatewayLimits
from shared.aio.health_pages import Readiness
from shared.aio.redis_connection import Redis, open_redis
from shared.identity import mint_token
from shared.logs.packet import FeedId, Packet, encode_packet
from shared.logs.snapshots import encode_accounts, encode_book_state, encode_listing
from shared.logs.stream_keys import PACKET_FIELD, PUBLISHED_FIELD, StreamKeys
from tests.unit.services.gateway.exchange import Exchange

SECRET = b"s" * 32
KEYS = StreamKeys()
M = TypeVar("M")


class StoredExchange(Exchange):
    """An exchange whose packets and snapshots are in Redis, as the engine would write them."""

    def __init__(self, url: str, *symbols: str, epoch: int = 7) -> None:
        super().__init__(*symbols, epoch=epoch)
        self.redis = open_redis(url, "test-exchange")

    async def publish(self, **changes: Any) -> FeedId:
        """Append one packet to the feed."""
        return await self.append(*self.packet(**changes))

    async def append(self, feed_id: FeedId, packet: Packet, _published: int = 0) -> FeedId:
        await self.queue(self.redis, feed_id, packet)
        return feed_id

    def queue(self, where: Redis, feed_id: FeedId, packet: Packet, _published: int = 0) -> Any:
        """Call XADD on a client, or on a pipeline that sends it later."""
        fields = {PACKET_FIELD: encode_packet(packet), PUBLISHED_FIELD: str(time.time_ns() // 1000)}
        return where.xadd(KEYS.feed, fields, id=str(feed_id))  # type: ignore[arg-type]

    async def store_snapshots(self) -> None:
        """Write listing, snapshots, accounts and cover, all of the present."""
        cover, listing, states, accounts, _ = self.snapshots()
        values = {KEYS.snapshot(state.instrument): encode_book_state(state) for state in states}
        values |= {KEYS.listing: encode_listing(listing), KEYS.accounts: encode_accounts(accounts)}
        await self.redis.mset(values | {KEYS.cover: str(cover).encode()})  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def gateway_on(
    url: str, tmp_path: Path, limits: GatewayLimits | None = None, *, is_fed: bool = True, **more: Any
) -> AsyncIterator[GatewayServer]:
    """Run a gateway on a free port until the block ends; it follows the feed already, unless told otherwise."""
    settings = GatewaySettings(**{"redis_url": url, "port": 0, "secret_file": tmp_path / "secret", **more})
    server = GatewayServer(settings, SECRET, limits or GatewayLimits())
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.run(stop))
        try:
            await until(lambda: server.port != 0 and (server.gateway.is_fed(server.now()) or not is_fed))
            yield server
        finally:
            stop.set()


async def until(happens: Callable[[], bool], within_s: float = 8.0) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + within_s
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


class User:
    """A WebSocket user that keeps everything it hears."""

    def __init__(self, socket: ClientConnection, encoding: Encoding) -> None:
        self.socket = socket
        self.encoding = encoding
        self.messages: list[Message] = []

    async def ask(self, **request: Any) -> None:
        payload = encode_request({"id": 1, **request}, self.encoding)
        await self.socket.send(payload if self.encoding is Encoding.MSGPACK else payload.decode())

    async def hear(self, kind: type[M], where: Callable[[M], bool] = lambda _: True) -> M:
        """Return the next message of a kind, keeping what comes before it."""
        async with asyncio.timeout(8):
            while True:
                for message in decode_messages(await self.socket.recv(), self.encoding):
                    self.messages.append(message)
                    if isinstance(message, kind) and where(message):
                        return message


@contextlib.asynccontextmanager
async def user_of(
    server: GatewayServer, name: str = "ann", encoding: Encoding = Encoding.MSGPACK, *, token: str | None = None
) -> AsyncIterator[User]:
    """Connect a user; the token at the handshake, unless it is given as empty."""
    token = mint_token(name, SECRET, time.time() + 60) if token is None else token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    subprotocols = [Subprotocol(encoding.value)]
    url = f"ws://127.0.0.1:{server.port}/v1/stream"
    async with connect(url, subprotocols=subprotocols, additional_headers=headers, compression=None) as socket:
        yield User(socket, encoding)


def ready(server: GatewayServer) -> Readiness:
    """Say what `/readyz` of this gateway says."""
    return readiness(server.gateway, server.feed_reader, server.now())

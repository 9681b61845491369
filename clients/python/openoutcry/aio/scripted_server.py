"""A WebSocket server with a script: a gateway's behaviour in one process, and its failures on request.

Made for tests of clients, ours and yours:

    async with ScriptedServer() as server, connect(server.url, "ada") as market:
        book = await market.book("ACME")
        await server.change(bids={100: 5}, fault=Fault.LOST)

The token of the handshake (or of `login`) is taken for the user's name. Requests are not checked: that is the
exchange's part.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, cast

import msgpack
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response
from websockets.typing import Subprotocol

from openoutcry.scripted_market import Fault, ScriptedMarket
from openoutcry.wire.codec import SUBPROTOCOLS, Encoding, encode_messages
from openoutcry.wire.messages import Delta, Goodbye, Heartbeat, Message, Reply, Status, Trade, Welcome
from openoutcry.wire.request_limits import EVERY_INSTRUMENT
from openoutcry.wire.types import Code, MarketState

SEND_S: Final = 5.0
"""Time for a message to leave; a client under test that reads nothing for so long fails its test."""


class Request(NamedTuple):
    """What a client asked."""

    op: str
    id: int | str
    fields: Mapping[str, Any]
    """All of it, `op` and `id` too."""


class ScriptedClient:
    """One connected client, as the server sees it."""

    def __init__(self, socket: ServerConnection, number: int) -> None:
        self.socket = socket
        self.session = f"scripted-{number}"
        self.user = ""
        self.depth: int | None = None
        """Of its book subscription; None while it has none."""
        self.sent_seq = 0
        self.channels: set[str] = set()
        self.encoding = Encoding(socket.subprotocol)

    async def say(self, messages: Sequence[Message]) -> None:
        """Send messages in one frame; one that has left hears nothing."""
        if not messages:
            return
        frame = encode_messages(messages, self.encoding)
        with suppress(ConnectionClosed):
            async with asyncio.timeout(SEND_S):
                await self.socket.send(frame, text=self.encoding is Encoding.JSON)


class ScriptedServer:
    """
    Serves one scripted market on a free port of 127.0.0.1.

    Args:
        market: What it serves; a new one by default.
        heartbeat_s: Time between heartbeats; short ones make short tests.
        announced_s: The same as `welcome` announces it; longer ones let a client wait longer for the next.
    """

    def __init__(
        self, market: ScriptedMarket | None = None, heartbeat_s: float = 0.05, announced_s: float | None = None
    ) -> None:
        self.market = market or ScriptedMarket()
        self.heartbeat_s = heartbeat_s
        self.announced_s = heartbeat_s if announced_s is None else announced_s
        self.clients: list[ScriptedClient] = []
        self.requests: list[Request] = []
        """Everything asked, in order."""
        self.has_heartbeat = True
        """Set to False and the server falls silent."""
        self.muted: set[str] = set()
        """Operations that get no reply."""
        self.refusals: dict[str, tuple[Code, str]] = {}
        """Operation to the refusal that it gets."""
        self.http_status: int | None = None
        """Answer handshakes with this HTTP status instead."""
        self.http_text = "as the script says\n"
        """And with this body."""
        self.confirms_resume = True
        """Whether a client that missed nothing gets an empty delta."""
        self.connections = 0
        """Connections taken so far."""
        self._orders = 0
        self._tasks = asyncio.TaskGroup()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"ws://127.0.0.1:{self._port}/v1/stream"

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server: Server = await serve(
            self._serve_client,
            "127.0.0.1",
            0,
            subprotocols=cast("Sequence[Subprotocol]", SUBPROTOCOLS),
            compression=None,
            process_request=self._check_handshake,
            ping_interval=None,
            close_timeout=1,
        )
        self._port: int = next(iter(self._server.sockets)).getsockname()[1]
        await self._tasks.__aenter__()
        self._beating = self._tasks.create_task(self._beat(), name="scripted heartbeats")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close every connection and stop listening."""
        self._beating.cancel()
        await self._tasks.__aexit__(None, None, None)
        self._server.close()
        async with asyncio.timeout(SEND_S):
            await self._server.wait_closed()

    # -- the script -------------------------------------------------------------------------------------------------

    async def change(
        self, bids: Mapping[int, int] | None = None, asks: Mapping[int, int] | None = None, fault: Fault = Fault.NONE
    ) -> None:
        """Change the book by one command and send the change to its followers, with a fault if you like."""
        deltas = self.market.change(bids, asks, fault)
        for client in list(self.clients):
            if client.depth is not None:
                await self._tell(client, deltas)

    async def trade(self, trade: Trade) -> None:
        """Tell who follows trades."""
        await self.say([trade], "trades")

    async def tell_ticker(self) -> None:
        """Tell who follows tickers."""
        await self.say([self.market.ticker()], "ticker")

    async def tell_feed(self, state: MarketState, reason: str = "") -> None:
        """Tell everyone how the gateway's feed is."""
        await self.say([Status(None, state, reason, _time_us())])

    async def say(self, messages: Sequence[Message], channel: str | None = None) -> None:
        """Send any messages to all clients, or to the members of a channel."""
        for client in list(self.clients):
            if channel is None or channel in client.channels:
                await client.say(messages)

    async def send_bytes(self, frame: bytes) -> None:
        """Send any bytes to all clients."""
        for client in list(self.clients):
            await client.socket.send(frame)

    async def goodbye(self, code: int, text: str, reconnect_in_ms: int) -> None:
        """Say goodbye to all clients, and close."""
        await self.say([Goodbye(code, text, reconnect_in_ms)])
        await self.close_clients(code, text)

    async def close_clients(self, code: int, reason: str = "") -> None:
        """Close every connection with a code."""
        for client in list(self.clients):
            await client.socket.close(code, reason)

    def drop_clients(self) -> None:
        """End every connection without a word."""
        for client in list(self.clients):
            client.socket.transport.abort()

    # -- one client -------------------------------------------------------------------------------------------------

    def _check_handshake(self, socket: ServerConnection, _request: HttpRequest) -> Response | None:
        return None if self.http_status is None else socket.respond(self.http_status, self.http_text)

    async def _serve_client(self, socket: ServerConnection) -> None:
        if socket.subprotocol is None:
            await socket.close(1002, "no subprotocol")
            return
        self.connections += 1
        client = ScriptedClient(socket, self.connections)
        assert socket.request is not None
        scheme, _, token = socket.request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme == "Bearer":
                await self._welcome(client, token)
            async for frame in socket:
                await self._answer(client, frame if isinstance(frame, bytes) else frame.encode())
        except ConnectionClosed:
            return  # however it ended, the client is gone
        finally:
            if client in self.clients:
                self.clients.remove(client)

    async def _welcome(self, client: ScriptedClient, user: str) -> None:
        client.user = user
        self.clients.append(client)
        await client.say([Welcome(1, client.session, user, _time_us(), int(self.announced_s * 1000), {})])

    async def _answer(self, client: ScriptedClient, payload: bytes) -> None:
        fields = msgpack.unpackb(payload) if client.encoding is Encoding.MSGPACK else json.loads(payload)
        request = Request(fields["op"], fields["id"], fields)
        self.requests.append(request)
        if request.op in self.muted:
            return
        code, text = self.refusals.get(request.op, (self._objection(request), "as the script says"))
        if code is not Code.OK:
            await client.say([Reply(request.id, ok=False, code=code, text=text, data={})])
            return
        await client.say([Reply(request.id, ok=True, code=Code.OK, text="", data=self._data(request))])
        await self._follow_up(client, request)

    def _objection(self, request: Request) -> Code:
        named = request.fields.get("instruments", ()) if request.op == "subscribe" else ()
        known = all(name in (EVERY_INSTRUMENT, self.market.symbol) for name in named)
        return Code.OK if known else Code.UNKNOWN_INSTRUMENT

    def _data(self, request: Request) -> dict[str, Any]:
        match request.op:
            case "order" | "cancel" | "replace":
                self._orders += 1
                return {"order_id": self._orders}
            case "cancel_all":
                return {"cancelled": self._orders}
            case "quote":
                return {"refused": {}}
            case "ping":
                return {"server_time": _time_us()}
            case "instruments":
                return {"count": 1}
            case _:
                return {}

    async def _follow_up(self, client: ScriptedClient, request: Request) -> None:
        fields = request.fields
        match request.op:
            case "login":
                await self._welcome(client, fields["token"])
            case "subscribe":
                client.channels.add(fields["channel"])
                if fields["channel"] == "book":
                    client.depth = fields.get("depth", 0)
                await client.say(self._state(client, fields))
            case "unsubscribe":
                client.channels.discard(fields["channel"])
                client.depth = None if fields["channel"] == "book" else client.depth
            case "resync":
                await self._tell(client, None)
            case "instruments":
                await client.say([self.market.instrument])
            case _:
                pass

    def _state(self, client: ScriptedClient, fields: Mapping[str, Any]) -> list[Message]:
        match fields["channel"]:
            case "book":
                depth = fields.get("depth", 0)
                position = fields.get("resume", {}).get(self.market.symbol)
                client.sent_seq = self.market.book.seq
                resumed = self.market.resume(*position) if position and not depth else None
                if resumed is not None and resumed.prev_seq == resumed.seq and not self.confirms_resume:
                    return []
                return [resumed or self.market.snapshot(depth)]
            case "ticker":
                return [self.market.ticker()]
            case "account":
                return [self.market.account(client.user)]
            case _:
                return []

    async def _tell(self, client: ScriptedClient, deltas: list[Delta] | None) -> None:
        """Say these deltas of the whole book; to a window, or without deltas, a snapshot."""
        client.sent_seq = self.market.book.seq
        if client.depth or deltas is None:
            await client.say([self.market.snapshot(client.depth or 0)])
        else:
            await client.say(deltas)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.heartbeat_s)
            for client in list(self.clients) if self.has_heartbeat else []:
                books = {} if client.depth is None else {self.market.symbol: client.sent_seq}
                await client.say([Heartbeat(_time_us(), books)])

    def operations(self) -> Counter[str]:
        """Count what was asked, by operation."""
        return Counter(request.op for request in self.requests)


def _time_us() -> int:
    return time.time_ns() // 1000

"""Users leave in every way during 1,000 changes a second, and every user who stays gets every delta."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from openoutcry.wire.codec import Encoding, decode_messages
from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.messages import Delta, Snapshot
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import Side
from services.gateway import MarketDataService
from services.matching import Order, OrderBook

STAY, LEAVE = 10, 150
CHANGES = 800
CHANGES_PER_TURN, TURN_S = 5, 0.005
SUBPROTOCOL = Subprotocol(Encoding.MSGPACK.value)
RUNNERS: dict[str, Callable[[Coroutine[Any, Any, None]], None]] = {"asyncio": asyncio.run, "uvloop": uvloop.run}


class Room:
    """A server as the README shows one, and its market."""

    def __init__(self) -> None:
        self.book = OrderBook("ACME")
        self.service = MarketDataService()
        self.book.place(Order(1, "maker", Side.BID, 100, 1))

    async def serve_user(self, connection: ServerConnection) -> None:
        user_id = str(connection.id)
        await self.service.subscribe_user(user_id, connection)
        try:
            await connection.wait_closed()
        finally:
            self.service.unsubscribe_user(user_id, connection)

    async def trade(self) -> None:
        """1,000 changes a second, or as many as the machine carries."""
        for order_id in range(2, CHANGES + 2):
            self.book.place(Order(order_id, "maker", Side.BID, 100 + order_id % 7, 1))
            await self.service.broadcast_order_book_update(self.book.snapshot(epoch=1, time=0))
            if not order_id % CHANGES_PER_TURN:
                await asyncio.sleep(TURN_S)


async def _stay(url: str, seqs: list[int]) -> None:
    held = DepthBook("ACME")
    async with connect(url, subprotocols=[SUBPROTOCOL], compression=None) as socket_:
        async for payload in socket_:
            for message in decode_messages(payload, Encoding.MSGPACK):
                if isinstance(message, Snapshot):
                    assert held.load(message) is Verdict.APPLY
                elif isinstance(message, Delta):
                    assert message.prev_seq == held.seq
                    assert held.apply(message) is Verdict.APPLY
            seqs.append(held.seq)


async def _leave(url: str, number: int) -> None:
    """Stay for a while, then end: closed, reset, or half-closed and still there."""
    # Whatever comes meanwhile is taken in: a client that stopped reading would not hear its close answered.
    connection = await connect(url, subprotocols=[SUBPROTOCOL], compression=None, max_queue=None)
    await asyncio.sleep(0.1 + 0.003 * number)
    raw: socket.socket = connection.transport.get_extra_info("socket")
    match number % 3:
        case 0:
            await connection.close()
        case 1:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.transport.abort()
        case _:
            connection.transport.write_eof()
            await asyncio.sleep(0.1)
            connection.transport.abort()


async def _until(is_true: Callable[[], bool]) -> None:
    while not is_true():  # noqa: ASYNC110 - the service knows no events
        await asyncio.sleep(0.01)


async def _run() -> None:
    room = Room()
    seqs: list[list[int]] = [[] for _ in range(STAY)]
    async with serve(
        room.serve_user, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL], compression=None, open_timeout=30
    ) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with asyncio.timeout(40), asyncio.TaskGroup() as tasks:
            leaving = [tasks.create_task(_leave(url, number)) for number in range(LEAVE)]
            staying = [tasks.create_task(_stay(url, each)) for each in seqs]
            await _until(lambda: room.service.subscriptions()["book"] >= STAY)
            await room.trade()
            await asyncio.wait(leaving)
            room.book.place(Order(CHANGES + 2, "maker", Side.BID, 100, 1))
            await room.service.broadcast_order_book_update(room.book.snapshot(epoch=1, time=0))
            await _until(lambda: all(each and each[-1] == room.book.seq for each in seqs))
            assert room.service.subscriptions()["book"] == STAY
            server.close()
            await asyncio.wait(staying)


@pytest.mark.parametrize("loop", RUNNERS)
def test_who_stays_gets_every_delta_while_150_leave(loop: str) -> None:
    """An error would leave the broadcast, and end the test; a gap would fail the staying user's own check."""
    RUNNERS[loop](_run())

"""The README's examples run."""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from examples import one_process
from openoutcry.wire.codec import Encoding, decode_messages
from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.messages import Delta, Snapshot
from openoutcry.wire.sequence import Verdict
from tests.real_redis import free_port


async def leave(port: int) -> None:
    """Come, stay for a moment, and close as a browser does that goes on to another page."""
    json = [Subprotocol("openoutcry.v1.json")]
    # Whatever comes meanwhile is taken in: a client that stopped reading would not hear the close answered.
    async with connect(f"ws://127.0.0.1:{port}", subprotocols=json, max_queue=None) as connection:
        await connection.recv()
        await asyncio.sleep(0.05)


async def test_an_order_book_and_its_broadcast_in_one_process() -> None:
    """
    The interface that this grew from serves real sockets, alone, and the user's book is the exchange's.

    At 1,000 changes a second, while other users come and close normally: it ended with the first of these.
    """
    port = free_port()
    held = DepthBook("ACME")
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        market = tasks.create_task(one_process.main(port, orders=1000, pause_s=0.001))
        while True:
            try:
                socket_ = await connect(f"ws://127.0.0.1:{port}", subprotocols=[Subprotocol("openoutcry.v1.msgpack")])
                break
            except OSError:
                await asyncio.sleep(0.01)
        for _ in range(30):
            tasks.create_task(leave(port))
        async for payload in socket_:
            for message in decode_messages(payload, Encoding.MSGPACK):
                if isinstance(message, Snapshot):
                    assert held.load(message) is Verdict.APPLY
                elif isinstance(message, Delta):
                    assert held.apply(message) is Verdict.APPLY
        await socket_.close()
        await market
    assert held.digest == one_process.book.digest
    assert held.seq == one_process.book.seq > 100

"""An order book and its broadcast in one process, with nothing but a WebSocket server around them.

Run it with `python examples/one_process.py`; it listens on ws://127.0.0.1:8100, subprotocol openoutcry.v1.json.
"""

import asyncio
import contextlib
from random import Random

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from openoutcry.wire.codec import Encoding
from openoutcry.wire.types import Side
from services.gateway import MarketDataService
from services.matching import Order, OrderBook

book = OrderBook("ACME")
service = MarketDataService()


async def serve_user(connection: ServerConnection) -> None:
    """Send the book as it stands, then every change, until the user leaves."""
    user_id = str(connection.id)
    await service.subscribe_user(user_id, connection, Encoding(connection.subprotocol))
    try:
        await connection.wait_closed()
    finally:
        service.unsubscribe_user(user_id, connection)


async def trade(orders: int, pause_s: float) -> None:
    """Let chance place orders, and broadcast the book after each."""
    random = Random(7)
    for order_id in range(1, orders + 1):
        side = random.choice([Side.BID, Side.ASK])
        price = random.randint(90, 103) if side is Side.BID else random.randint(97, 110)
        book.place(Order(order_id, f"user-{random.randrange(50)}", side, price, random.randint(1, 9)))
        await service.broadcast_order_book_update(book.snapshot(epoch=1, time=0))
        await asyncio.sleep(pause_s)


async def main(port: int = 8100, orders: int = 10_000, pause_s: float = 0.1) -> None:
    """Serve `ws://127.0.0.1:8100` while the market lasts."""
    subprotocols = [Subprotocol(encoding.value) for encoding in Encoding]
    async with serve(serve_user, "127.0.0.1", port, subprotocols=subprotocols, compression=None):
        await trade(orders, pause_s)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())

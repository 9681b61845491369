"""Somebody else meanwhile: sends orders at an even pace, and notes when replies and heartbeats come."""

from __future__ import annotations

import asyncio
import contextlib
import time
from itertools import pairwise
from typing import Final, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from openoutcry.wire.codec import Encoding, decode_messages, encode_request
from openoutcry.wire.messages import Heartbeat, Reply

PACE_S: Final = 0.05
"""Between an order and its cancel: 20 a second, within what a user may send."""
OPEN_S: Final = 40.0
REPLY_S: Final = 20.0
"""Longest time to wait for the last replies."""


class Seen(NamedTuple):
    """What the observer met."""

    order_ms: list[float]
    """From when an order was due to its reply, sorted."""
    heartbeat_ms: float
    """The longest time between two heartbeats, or since the last."""
    refused: int
    """Replies that were no acceptance."""
    unanswered: int

    def quantile(self, share: float) -> float:
        """Return a quantile of the orders' times, ms; infinite if none was answered."""
        return self.order_ms[min(len(self.order_ms) - 1, int(share * len(self.order_ms)))] if self.order_ms else 1e9


async def observe(url: str, token: str, instrument: str, seconds: float, begun: asyncio.Event) -> Seen:
    """Trade for so long, on one connection; `begun` is set when it is open."""
    async with connect(
        url,
        subprotocols=[Subprotocol(Encoding.MSGPACK.value)],
        additional_headers={"Authorization": f"Bearer {token}"},
        compression=None,
        open_timeout=OPEN_S,
        ping_interval=None,
    ) as connection:
        begun.set()
        due: dict[int, float] = {}
        answered: dict[int, float] = {}
        beats: list[float] = [time.monotonic()]
        refused = [0]
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(_listen(connection, answered, beats, refused))
            await _trade(connection, instrument, seconds, due)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPLY_S):
                    while len(answered) < len(due) and not listening.done():  # noqa: ASYNC110 - nobody is told
                        await asyncio.sleep(0.01)
            listening.cancel()
    beats.append(time.monotonic())
    gaps = [later - sooner for sooner, later in pairwise(beats)]
    delays = sorted(1000 * (answered[number] - at) for number, at in due.items() if number in answered)
    return Seen(delays, 1000 * max(gaps), refused[0], len(due) - len(answered))


async def _trade(connection: ClientConnection, instrument: str, seconds: float, due: dict[int, float]) -> None:
    began = time.monotonic()
    for number in range(int(seconds / PACE_S)):
        at = began + number * PACE_S
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        due[number] = at
        name = f"o{number // 2}"
        if number % 2:
            request: dict[str, object] = {"op": "cancel", "id": number, "client_order_id": name}
        else:
            request = {
                "op": "order", "id": number, "client_order_id": name, "instrument": instrument, "side": "bid",
                "quantity": 1, "price": 1 + number % 100,
            }  # fmt: skip
        with contextlib.suppress(ConnectionClosed):
            await connection.send(encode_request(request, Encoding.MSGPACK))


async def _listen(
    connection: ClientConnection, answered: dict[int, float], beats: list[float], refused: list[int]
) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for frame in connection:
            now = time.monotonic()
            assert isinstance(frame, bytes)
            for message in decode_messages(frame, Encoding.MSGPACK):
                if isinstance(message, Heartbeat):
                    beats.append(now)
                elif isinstance(message, Reply) and isinstance(message.id, int):
                    answered[message.id] = now
                    refused[0] += not message.ok

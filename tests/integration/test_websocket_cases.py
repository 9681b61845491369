"""A real gateway answers each case of RFC 6455 as a server must."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openoutcry.wire.codec import Encoding, decode_messages
from openoutcry.wire.messages import Reply
from outcry.load.handshake import opening_request, opening_response
from services.gateway.aio.server import GatewayServer
from shared.identity import mint_token
from shared.websocket_frame import CLOSE, PONG, TEXT, Frame, FrameReader
from tests.integration.gateway_house import SECRET, StoredExchange, gateway_on
from tests.integration.websocket_cases import NORMAL, Case, all_cases, close

AT_ONCE = 12
CASE_S = 20.0


@pytest.fixture
async def server(redis_url: str, tmp_path: Path) -> AsyncIterator[GatewayServer]:
    exchange = StoredExchange(redis_url, "ACME")
    await exchange.publish(bids=[(100, 5)])
    await exchange.store_snapshots()
    async with gateway_on(redis_url, tmp_path) as server:
        yield server
    await exchange.redis.aclose()


async def test_every_case_is_answered_as_it_must_be(server: GatewayServer) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def tried(number: int, case: Case) -> str:
        async with room:
            frames = await talk(server.port, f"case-{number}", case.sent)
        return difference(case, frames)

    found = await asyncio.gather(*(tried(number, case) for number, case in enumerate(all_cases())))
    assert [text for text in found if text] == []


def test_the_groups_are_as_large_as_the_document_says() -> None:
    """docs/testing.md names them."""
    counts = Counter(case.group for case in all_cases())
    assert dict(counts) == {"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 131, "7": 36, "10": 1}
    assert len({case.sent for case in all_cases()}) == sum(counts.values()), "no case stands twice"


async def talk(port: int, user: str, sent: tuple[bytes, ...]) -> list[Frame]:
    """Send all of a case, one write after the other, and return what came until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    token, key = mint_token(user, SECRET, time.time() + 60), os.urandom(16)
    text = opening_request("t", "/v1/stream", token, key)
    writer.write(text.replace(Encoding.MSGPACK.value.encode(), Encoding.JSON.value.encode()))
    frames = FrameReader()
    try:
        async with asyncio.timeout(CASE_S):
            head = await reader.readuntil(b"\r\n\r\n")
            assert opening_response(head, key) == b""
            for data in (*sent, close(NORMAL)):
                writer.write(data)
                await asyncio.sleep(0)
            found = []
            while data := await reader.read(1 << 16):
                found += frames.receive(data)
    except ConnectionResetError:
        pass  # it was ended while more was on its way
    finally:
        writer.close()
    return found


def difference(case: Case, frames: list[Frame]) -> str:
    """Say what came instead of what must come; "" if nothing did."""
    messages = [
        each for frame in frames if frame.opcode == TEXT for each in decode_messages(frame.payload, Encoding.JSON)
    ]
    replies = sum(isinstance(message, Reply) for message in messages)
    pongs = tuple(frame.payload for frame in frames if frame.opcode == PONG)
    closes = [int.from_bytes(frame.payload[:2], "big") or None for frame in frames if frame.opcode == CLOSE]
    came, must = (replies, pongs, closes), (case.replies, case.pongs, [case.close])
    return "" if came == must else f"{case.group} {case.name}: {came}, and not {must}"

"""Clients that no gateway should suffer from: they send rubbish, or never read. In our own process, bounded in time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Final

from openoutcry.wire.codec import Encoding, encode_request
from openoutcry.wire.errors import MalformedMessage
from outcry.load.handshake import opening_request, opening_response
from shared.websocket_frame import BINARY, client_frame

HOST: Final = "127.0.0.1"
PATH: Final = "/v1/stream"
CONNECT_SECONDS_MAX: Final = 5.0
RUBBISH_BYTES: Final = 4096
SMALL_WINDOW_BYTES: Final = 4096
GONE: Final = (OSError, TimeoutError, asyncio.IncompleteReadError, MalformedMessage)
"""How a client learns that a gateway does not want it."""
ASK_SECONDS: Final = 0.1
"""Between two questions of a client that does not read the answers: ten a second, below what a user is allowed."""


async def send_rubbish(port: int, token: str, seed: int, seconds: float) -> None:
    """Send noise, again and again on new connections: before the handshake, in frames, and as frames."""
    random = Random(seed)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                await _one_rubbish(port, token, random)
                await asyncio.sleep(random.uniform(0.01, 0.1))


async def _one_rubbish(port: int, token: str, random: Random) -> None:
    try:
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            reader, writer = await asyncio.open_connection(HOST, port)
    except (OSError, TimeoutError):
        return  # Refused: the gateway may do that.
    try:
        how = random.randrange(3)
        if how:
            await _shake_hands(reader, writer, port, token)
        noise = random.randbytes(random.randrange(1, RUBBISH_BYTES))
        writer.write(client_frame(noise, BINARY, os.urandom(4)) if how == 1 else noise)
        await writer.drain()
        async with asyncio.timeout(random.uniform(0.05, 0.5)):
            await reader.read()
    except GONE:
        return  # It was thrown out, or is left now.
    finally:
        writer.transport.abort()


@contextlib.asynccontextmanager
async def silent_clients(count: int, port: int, tokens: Sequence[str]) -> AsyncIterator[None]:
    """Let some clients follow everything, ask for more, and read nothing, until the block ends."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(never_read(port, tokens[number % len(tokens)])) for number in range(count)]
        yield
        for task in running:
            task.cancel()


async def never_read(port: int, token: str) -> None:
    """Follow everything, ask for more, and read nothing, until thrown out."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW_BYTES)
    raw.setblocking(False)
    writer = None
    try:
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            await asyncio.get_running_loop().sock_connect(raw, (HOST, port))
            reader, writer = await asyncio.open_connection(sock=raw, limit=SMALL_WINDOW_BYTES)
            await _shake_hands(reader, writer, port, token)
        # Nobody reads the stream: when its small buffer is full, asyncio stops reading the socket, as a hung tab does.
        _ask(writer, {"op": "subscribe", "channel": "book", "instruments": ["*"], "id": 1})
        while not writer.transport.is_closing():  # Thrown out: to write on would tell nobody.
            _ask(writer, {"op": "resync", "instrument": "ACME", "id": 2})
            await asyncio.sleep(ASK_SECONDS)
    except GONE:
        return  # It was thrown out.
    finally:
        (writer.transport.abort if writer else raw.close)()


def _ask(writer: asyncio.StreamWriter, request: dict[str, object]) -> None:
    writer.write(client_frame(encode_request(request, Encoding.MSGPACK), BINARY, os.urandom(4)))


async def _shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, token: str) -> None:
    key = os.urandom(16)
    writer.write(opening_request(f"{HOST}:{port}", PATH, token, key))
    async with asyncio.timeout(CONNECT_SECONDS_MAX):
        head = await reader.readuntil(b"\r\n\r\n")
    opening_response(head, key)


async def try_to_connect(count: int, port: int, tokens: Sequence[str]) -> tuple[int, int]:
    """Open so many connections at once, and keep them for a moment; returns how many were taken, and how many not."""
    async with asyncio.TaskGroup() as tasks:
        trying = [tasks.create_task(_try(port, tokens[number % len(tokens)])) for number in range(count)]
    taken = sum(task.result() for task in trying)
    return taken, count - taken


async def _try(port: int, token: str) -> bool:
    writer = None
    try:
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            reader, writer = await asyncio.open_connection(HOST, port)
            await _shake_hands(reader, writer, port, token)
            await asyncio.sleep(1.0)
    except GONE:
        return False
    else:
        return True
    finally:
        if writer is not None:
            writer.transport.abort()

"""`outcry watch` without a terminal, until the server sends it away."""

from __future__ import annotations

import asyncio
from io import StringIO

import pytest
from rich.console import Console

from openoutcry import Disconnected, RequestRefused
from openoutcry.testing import ScriptedServer
from openoutcry.wire.close_codes import CloseCode
from outcry.terminal.aio.line_watch import watch_lines


async def watched(instrument: str) -> str:
    """Watch until the book has been written, and return what was written."""
    written = StringIO()
    console = Console(file=written, width=100)
    async with ScriptedServer() as server, asyncio.timeout(10):
        await server.change(bids={100: 5}, asks={101: 7})
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_end(server, written))
            with pytest.raises(Disconnected, match="enough"):
                await watch_lines(server.url, "ada", instrument, 5, console)
    return written.getvalue()


async def _end(server: ScriptedServer, written: StringIO) -> None:
    while "verified" not in written.getvalue():  # noqa: ASYNC110 - a console has no event
        await asyncio.sleep(0.01)
    await server.close_clients(CloseCode.TOKEN_EXPIRED, "enough")


async def test_a_pipe_gets_lines_without_colours() -> None:
    text = await watched("ACME")
    assert "\x1b" not in text
    assert text.startswith("ACME bid 5 at 1.00 ask 7 at 1.01 epoch 7001 seq 1 digest ")


async def test_an_unknown_instrument_is_refused() -> None:
    async with ScriptedServer() as server:
        with pytest.raises(RequestRefused, match="unknown_instrument"):
            await watch_lines(server.url, "ada", "NOPE")

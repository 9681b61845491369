"""The gateway's one writer of commands, on a line that fails."""

from __future__ import annotations

import asyncio
from random import Random
from typing import cast

import pytest

from openoutcry.wire.codec import Encoding
from services.gateway.aio import command_appender
from services.gateway.aio.command_appender import CommandAppender
from services.gateway.limits import GatewayLimits
from services.gateway.order_entry import OrderEntry
from services.gateway.requests import CancelEvery
from services.gateway.session import Session
from shared.aio.redis_connection import RedisConnectionError
from shared.aio.redis_line import RedisLine
from shared.identity import Identity
from shared.logs.commands import CancelAll, decode_commands
from shared.logs.stream_keys import StreamKeys

TALK = Session("s1", Encoding.MSGPACK, GatewayLimits(), now=0.0)


class FailingLine:
    """A line whose first calls fail, and nobody knows whether they were carried out."""

    is_in_doubt = True

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0
        self.appended: list[bytes] = []

    async def call(self, *words: str | bytes | int) -> bytes:
        self.calls += 1
        if self.calls <= self.failures:
            raise RedisConnectionError("nobody there")
        self.appended.append(cast("bytes", words[-1]))
        return b"1-0"


def writer_on(line: FailingLine) -> tuple[CommandAppender, OrderEntry]:
    orders = OrderEntry("g", 10, 5.0)
    orders.submit(TALK, Identity("ann"), CancelEvery(op="cancel_all", id=1), 0.0)
    return CommandAppender(cast("RedisLine", line), StreamKeys(), orders, Random(1)), orders


async def run_until_idle(writer: CommandAppender, orders: OrderEntry) -> None:
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(writer.run())
        writer.wake()
        while orders.has_queued or not orders.log_is_writable:  # noqa: ASYNC110 - the writer tells nobody
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        running.cancel()


async def test_a_batch_that_was_given_up_is_not_sent_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its users were told that the outcome is unknown, and have looked: it must not come minutes after that."""
    monkeypatch.setattr(command_appender, "APPEND_S", 0.0)
    line = FailingLine(failures=1)
    writer, orders = writer_on(line)
    await run_until_idle(writer, orders)
    assert (line.calls, line.appended) == (1, [])
    orders.submit(TALK, Identity("ann"), CancelEvery(op="cancel_all", id=2), 0.0)
    await run_until_idle(writer, orders)
    assert [decode_commands(data) for data in line.appended] == [[CancelAll("g", 2, "ann", None)]]


async def test_a_batch_whose_append_failed_is_sent_again_before_any_later_one() -> None:
    """It may have arrived: the same numbers again are skipped by the engine, later ones before them would not be."""
    line = FailingLine(failures=2)
    writer, orders = writer_on(line)
    await run_until_idle(writer, orders)
    assert [decode_commands(data) for data in line.appended] == [[CancelAll("g", 1, "ann", None)]]
    assert orders.log_is_writable

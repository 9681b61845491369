"""Bots wait for a store that refuses, as services do, and say what to do when it does not stop."""

from __future__ import annotations

import asyncio

import pytest

from outcry.flow.aio import command_writer, feed_tail
from outcry.flow.aio.command_writer import CommandWriter
from outcry.flow.aio.feed_tail import FeedTail
from shared.logs.commands import Tick
from shared.store_errors import StoreUnavailable
from tests.integration.gateway_house import KEYS, StoredExchange

WAY_OUT = "RENAME it away, then start again"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_tail, "SILENCE_SECONDS_MAX", 0.2)
    monkeypatch.setattr(command_writer, "APPEND_SECONDS_MAX", 0.2)


async def test_a_feed_that_somebody_wrote_over_is_told_with_the_way_out(redis_url: str) -> None:
    """It was a traceback, and `outcry up` ended after twenty seconds."""
    exchange, tail = StoredExchange(redis_url, "ACME"), FeedTail(redis_url, "test")
    await exchange.publish(bids=[(100, 5)])
    await tail.start()
    await exchange.redis.delete(KEYS.feed)
    await exchange.redis.set(KEYS.feed, "x")
    with pytest.raises(StoreUnavailable, match=WAY_OUT):
        await anext(tail.packets())
    with pytest.raises(StoreUnavailable, match=WAY_OUT):
        await tail.start()
    await tail.aclose()
    await exchange.redis.aclose()


async def test_a_feed_that_comes_back_in_time_is_followed(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_tail, "SILENCE_SECONDS_MAX", 5.0)
    exchange, tail = StoredExchange(redis_url, "ACME"), FeedTail(redis_url, "test")
    await exchange.publish(bids=[(100, 5)])
    await tail.start()
    await exchange.redis.rename(KEYS.feed, "kept")
    await exchange.redis.set(KEYS.feed, "x")
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(anext(tail.packets()))  # type: ignore[arg-type]
        await asyncio.sleep(0.1)
        await exchange.redis.rename("kept", KEYS.feed)
        await exchange.publish(bids=[(99, 5)])
    assert [packet.position for packet in reading.result()] == [2]
    await tail.aclose()
    await exchange.redis.aclose()


async def test_a_command_log_that_somebody_wrote_over_is_told_too(redis_url: str) -> None:
    exchange, writer = StoredExchange(redis_url, "ACME"), CommandWriter(redis_url, "test")
    await exchange.redis.set(KEYS.commands, "x")
    with pytest.raises(StoreUnavailable, match=WAY_OUT):
        await writer.append([Tick("test", 1)])
    await writer.aclose()
    await exchange.redis.aclose()

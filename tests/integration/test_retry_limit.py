"""Pauses between tries, on a real event loop."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from services.matching.aio.retry_limit import RetryLimit
from shared.store_errors import StoreUnavailable


async def test_a_cancellation_that_got_lost_ends_the_next_pause_before_it_begins() -> None:
    """redis-py gives an error instead of it, now and then; found by simulation as a process that did not end."""
    paused = asyncio.Event()

    async def lose_a_cancellation() -> None:
        patience = RetryLimit(30.0, asyncio.Event(), Random(1))
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            paused.set()
        await patience.wait("the write failed")

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(lose_a_cancellation())
        await asyncio.sleep(0)
        task.cancel()
        await paused.wait()
        for _ in range(3):
            await asyncio.sleep(0)
        assert task.cancelled()


async def test_patience_ends() -> None:
    """After its limit, or at once if the process is to stop."""
    stop = asyncio.Event()
    with pytest.raises(StoreUnavailable, match="has not done its work for"):
        await RetryLimit(0.0, stop, Random(1)).wait("gone")
    stop.set()
    with pytest.raises(StoreUnavailable, match="gone"):
        await RetryLimit(30.0, stop, Random(1)).wait("gone")

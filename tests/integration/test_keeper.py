"""A stack is kept up: what dies is started again, what keeps dying ends it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple, cast

import pytest

from outcry.stack.aio import keeper as keeper_module
from outcry.stack.aio.child import Child, RoleFailed
from outcry.stack.aio.keeper import Keeper
from outcry.stack.aio.stack import Stack

DIES = "import sys; sys.exit('no such key')"
DIES_ONCE = """
import pathlib, sys, time
flag = pathlib.Path(sys.argv[1])
if not flag.exists():
    flag.touch()
    sys.exit(7)
time.sleep(60)
"""


class Parts(NamedTuple):
    """All of a stack that a keeper looks at."""

    parts: list[Child]


@contextlib.asynccontextmanager
async def kept(child: Child, said: list[str], restarts_max: int) -> AsyncIterator[tuple[Keeper, asyncio.Task[None]]]:
    keeper = Keeper(cast("Stack", Parts([child])), said.append, restarts_max)
    try:
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(keeper.run())
            yield keeper, running
            running.cancel()
    finally:
        child.stop()


async def until(keeper: Keeper, endings: int) -> None:
    while len(keeper.endings) < endings:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def watched_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "WATCH_SECONDS", 0.02)


async def test_a_part_that_dies_is_started_again_and_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    child = Child("gateway-1", [sys.executable, "-c", DIES_ONCE, str(tmp_path / "flag")], tmp_path)
    first = child.pid
    async with kept(child, said, restarts_max=1) as (keeper, _):
        await until(keeper, 1)
        assert keeper.endings == [("gateway-1", 7)]
        assert child.pid != first
        await asyncio.sleep(0.1)
        assert child.exit_status() is None, "it runs, and is left alone"
    assert said == ["gateway-1 ended with status 7: ; starting it again"]


async def test_a_part_that_keeps_dying_ends_the_stack_with_its_last_words(tmp_path: Path) -> None:
    said: list[str] = []
    child = Child("gateway-1", [sys.executable, "-c", DIES], tmp_path)
    with pytest.raises(ExceptionGroup) as caught:
        async with kept(child, said, restarts_max=2) as (_, running):
            await running
    (error,) = caught.value.exceptions
    assert isinstance(error, RoleFailed)
    assert "no such key" in str(error)
    assert said == ["gateway-1 ended with status 1: no such key; starting it again"] * 2


async def test_a_part_that_is_held_stays_dead_for_so_long(tmp_path: Path) -> None:
    """A fault says how long; it would be over before it began."""
    child = Child("gateway-1", [sys.executable, "-c", DIES_ONCE, str(tmp_path / "flag")], tmp_path)
    async with kept(child, [], restarts_max=1) as (keeper, _):
        keeper.hold(child, 0.6)
        began = time.monotonic()
        await until(keeper, 1)
        assert time.monotonic() - began >= 0.55

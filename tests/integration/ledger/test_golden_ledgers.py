"""The record of every engine version verifies with this release: what was decided then is decided the same way now."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from outcry.time_machine.aio.ledger_record import LedgerRecord, reading_engine
from outcry.time_machine.aio.verify_run import verify
from outcry.time_machine.past_market import market_at_position
from outcry.time_machine.told_book import told_book
from shared.logs.engine_version import ENGINE_VERSION
from tests.data.make_golden_ledger import golden_path
from tests.integration.ledger.recorded_day import KEYS
from tests.integration.ledger.small_ledger import SALTS

HEADS = {1: "c05d2c782de99c0cc9b1584a4c5f5aabae3505abdbf667daaefa85b698f75d1d"}
"""Of the chain, by engine version: the record itself must not change either."""


@pytest.mark.parametrize("version", HEADS)
def test_the_golden_ledger_of_a_version_is_clean(version: int, tmp_path: Path) -> None:
    url = f"sqlite:///{shutil.copy(golden_path(version), tmp_path / 'golden.sqlite')}"
    found = verify(url, salts=SALTS, keys=KEYS)
    assert found.findings == []
    assert found.chain.chain.hex() == HEADS[version]
    past = market_at_position(LedgerRecord(reading_engine(url)), 40, ["ACME"])
    assert told_book(past, "ACME", 10).compared is not None


def test_this_version_has_one() -> None:
    """`python -m tests.data.make_golden_ledger` makes it, before the release."""
    assert ENGINE_VERSION in HEADS
    assert golden_path(ENGINE_VERSION).exists()

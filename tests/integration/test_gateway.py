"""A gateway on real sockets: handshakes, health, bad frames, slow readers, ordered ends."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding
from openoutcry.wire.messages import Delta, Goodbye, Heartbeat, Reply, Snapshot, Welcome
from openoutcry.wire.types import Code
from services.gateway.aio.connection import ClientConnection
from services.gateway.aio.server import GatewayServer
from services.gateway.aio.settings import GatewaySettings
from services.gateway.catch_up import CHANNELS_A_PART
from services.gateway.gateway import ConnectedClient
from services.gateway.limits import GatewayLimits
from services.gateway.session import Session
from services.gateway.subscriber import NO_DESCRIPTOR, LagLimits, Subscriber
from shared.aio.health_pages import NUMBERS_S
from shared.aio.redis_connection import read_stream
from shared.identity import mint_token
from shared.logs.commands import Command, PlaceOrder, decode_commands
from shared.logs.events import Outcome
from shared.logs.stream_keys import COMMANDS_FIELD
from tests.integration.gateway_house import KEYS, SECRET, StoredExchange, gateway_on, until, user_of


@pytest.fixture
async def exchange(redis_url: str) -> AsyncIterator[StoredExchange]:
    stored = StoredExchange(redis_url, "ACME")
    await stored.publish(bids=[(100, 5)])
    await stored.store_snapshots()
    yield stored
    await stored.redis.aclose()


async def http(server: GatewayServer, path: str) -> tuple[int, str]:
    """GET a path; the status and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
    async with asyncio.timeout(5):
        response = (await reader.read()).decode()
    writer.close()
    head, _, body = response.partition("\r\n\r\n")
    return int(head.split()[1]), body


def value(metrics: str, name: str) -> float:
    """Return one sample of Prometheus' text format."""
    (found,) = [line for line in metrics.splitlines() if line.startswith(f"{name} ")]
    return float(found.split()[1])


@pytest.mark.parametrize("encoding", Encoding)
async def test_a_user_is_welcomed_and_follows_a_book(
    redis_url: str, exchange: StoredExchange, tmp_path: Path, encoding: Encoding
) -> None:
    async with gateway_on(redis_url, tmp_path) as server, user_of(server, encoding=encoding) as ann:
        assert (await ann.hear(Welcome)).user == "ann"
        await ann.ask(op="subscribe", channel="book", instruments=["ACME"])
        snapshot = await ann.hear(Snapshot)
        assert (snapshot.epoch, snapshot.seq) == (7, 1)
        await exchange.publish(bids=[(101, 2)])
        delta = await ann.hear(Delta)
        assert (delta.prev_seq, delta.seq, delta.digest) == (1, 2, exchange.books["ACME"].digest)
        assert (await ann.hear(Heartbeat, lambda beat: beat.books == {"ACME": 2})).server_time > 0


async def test_login_in_the_stream_serves_browsers(redis_url: str, exchange: StoredExchange, tmp_path: Path) -> None:
    async with gateway_on(redis_url, tmp_path) as server, user_of(server, token="") as ann:
        await ann.ask(op="login", token=mint_token("ann", SECRET, time.time() + 60))
        assert (await ann.hear(Reply)).ok
        assert (await ann.hear(Welcome)).user == "ann"


async def test_a_wrong_token_is_refused_at_the_handshake(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    async with gateway_on(redis_url, tmp_path) as server:
        with pytest.raises(InvalidStatus) as refusal:
            async with user_of(server, token="rubbish"):
                pass
        assert refusal.value.response.status_code == 401


@pytest.mark.parametrize("offered", [None, [Subprotocol("chat")]])
async def test_no_known_subprotocol_is_refused_with_the_list_of_them(
    redis_url: str, exchange: StoredExchange, tmp_path: Path, offered: list[Subprotocol] | None
) -> None:
    async with gateway_on(redis_url, tmp_path) as server:
        with pytest.raises(InvalidStatus) as refusal:
            async with connect(f"ws://127.0.0.1:{server.port}/v1/stream", subprotocols=offered):
                pass
        assert refusal.value.response.status_code == 400
        assert b"openoutcry.v1.msgpack, openoutcry.v1.json" in bytes(refusal.value.response.body or b"")


async def test_health_tells_alive_from_ready(redis_url: str, exchange: StoredExchange, tmp_path: Path) -> None:
    """Before the feed is followed a replica is alive and takes no users."""
    await exchange.redis.delete("oo:{0}:cover")
    async with gateway_on(redis_url, tmp_path, is_fed=False) as server:
        assert await http(server, "/healthz") == (200, "alive\n")
        await until(lambda: server.feed_reader.missing != "")
        assert await http(server, "/readyz") == (
            503,
            "the feed is resyncing: oo:{0}:cover is missing, or no string; the exchange is to write it\n",
        )
        await exchange.store_snapshots()
        await until(lambda: server.gateway.is_fed(server.now()))
        assert await http(server, "/readyz") == (200, "ready\n")
        status, metrics = await http(server, "/metrics")
        assert status == 200
        assert "outcry_gateway_feed_resyncs_total 1.0" in metrics
        assert "process_cpu_seconds_total" in metrics
        assert (await http(server, "/nothing"))[0] == 404


async def test_where_a_changes_time_goes_is_counted_for_packets_and_flushes_not_for_users(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """An operator must see which hop is slow, and 1,000 users must not make 1,000 records of it."""
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann, user_of(server) as bob:
        for user in (ann, bob):
            await user.ask(op="subscribe", channel="book")
            await user.hear(Snapshot)
        before = (await http(server, "/metrics"))[1]
        await exchange.publish(bids=[(101, 2)])
        await asyncio.gather(ann.hear(Delta), bob.hear(Delta))
        await asyncio.sleep(NUMBERS_S)
        after = (await http(server, "/metrics"))[1]
        for hop in ("read_delay", "flush_wait", "flush"):
            name = f"outcry_gateway_{hop}_seconds_count"
            assert value(after, name) - value(before, name) == 1, hop


async def test_who_has_left_is_forgotten_without_the_garbage_collector(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """Connections that end must leave no circles of references, for the collector is told to leave the old alone."""

    def held() -> list[str]:
        ours = (ClientConnection, ConnectedClient, Session, Subscriber, ServerProtocol)
        return sorted(type(each).__name__ for each in gc.get_objects() if isinstance(each, ours))

    async with gateway_on(redis_url, tmp_path) as server:
        gc.collect()
        gc.disable()
        try:
            before = held()
            async with user_of(server) as ann:
                await ann.ask(op="subscribe", channel="book")
                await ann.ask(op="subscribe", channel="account")
                await ann.hear(Snapshot)
                assert len(held()) == len(before) + 5
            await until(lambda: held() == before)
        finally:
            gc.enable()


async def test_frames_that_are_no_requests_get_replies_and_the_connection_lives(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann:
        await ann.socket.send("text on a binary connection")
        assert "text frames are not understood" in (await ann.hear(Reply)).text
        await ann.socket.send(b"\xc1")
        assert (await ann.hear(Reply)).code == "bad_request"
        await ann.socket.send(b"x" * 20_000)
        assert (await ann.hear(Reply)).code == "too_large"
        await ann.socket.send([b"\x82\xa2op\xa4ping", b"\xa2id\x07"])
        assert (await ann.hear(Reply)).id == 7


async def test_twenty_bad_requests_in_a_row_close_it(redis_url: str, exchange: StoredExchange, tmp_path: Path) -> None:
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann:
        for _ in range(20):
            await ann.ask(op="nonsense")
        assert (await ann.hear(Goodbye)).code == CloseCode.BAD_REQUEST
        with pytest.raises(ConnectionClosed) as closed:
            await ann.hear(Welcome)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.BAD_REQUEST
        await until(lambda: not server.gateway.clients)


async def test_nothing_is_written_past_what_is_unsent(redis_url: str, exchange: StoredExchange, tmp_path: Path) -> None:
    """While the transport holds bytes the socket is not written to straight: those would overtake them."""
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann:
        await ann.hear(Welcome)
        [client] = server.gateway.clients.values()
        connection = client.connection
        assert isinstance(connection, ClientConnection)
        assert client.subscriber.descriptor != NO_DESCRIPTOR
        connection.pause_writing()
        assert client.subscriber.descriptor == NO_DESCRIPTOR
        connection.resume_writing()
        assert client.subscriber.descriptor != NO_DESCRIPTOR


async def test_what_one_that_has_drained_missed_goes_on_with_the_next_turn(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its next part would wait until somebody asks something, or for the next sweep."""
    symbols = [f"S{n:02}" for n in range(CHANNELS_A_PART + 8)]
    exchange = StoredExchange(redis_url, *symbols)
    await exchange.publish(symbol=symbols[0], bids=[(100, 5)])
    await exchange.store_snapshots()
    unsent = 0
    monkeypatch.setattr(ClientConnection, "get_write_buffer_size", lambda _: unsent)
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann:
        for some in (symbols[:20], symbols[20:]):
            await ann.ask(op="subscribe", channel="book", instruments=some, depth=5)
        await ann.hear(Snapshot, lambda snapshot: snapshot.instrument == symbols[-1])
        [client] = server.gateway.clients.values()
        connection = client.connection
        assert isinstance(connection, ClientConnection)
        unsent = server.gateway.limits.lag.soft_bytes + 1
        connection.pause_writing()
        assert client.subscriber.is_lagging
        unsent = 0
        assert server._part_timer is None
        connection.resume_writing()
        assert server.gateway.has_more
        assert server._part_timer is not None
        await until(lambda: not client.subscriber.is_lagging)
    await exchange.redis.aclose()


async def test_a_reader_that_stops_is_skipped_then_aborted_and_others_are_served(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """Degrade, then abort; never queue without bound, never delay others."""
    limits = GatewayLimits(lag=LagLimits(soft_bytes=4096, hard_bytes=1 << 20, lag_s=1.0))
    async with (
        gateway_on(redis_url, tmp_path, limits) as server,
        user_of(server, "ann") as ann,
        user_of(server, "bob") as bob,
    ):
        for user in (ann, bob):
            await user.ask(op="subscribe", channel="book", instruments=["ACME"])
            await user.hear(Snapshot)
        buffer = ann.socket.transport.get_extra_info("socket")
        buffer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        ann.socket.transport.pause_reading()
        aborted = 0
        price = 0
        deadline = time.monotonic() + 20
        while not aborted and time.monotonic() < deadline:
            price += 1
            await exchange.publish(bids=[(p, 100_000 + price) for p in range(1, 4000)])
            await bob.hear(Delta)
            aborted = server.gateway.service.statistics.aborted_time
        statistics = server.gateway.service.statistics
        assert statistics.lagged >= 1
        await until(lambda: len(server.gateway.clients) == 1)
        ann.socket.transport.abort()  # or its close would wait for an answer that it does not read
        assert (statistics.aborted_time, statistics.aborted_bytes) == (1, 0)


async def test_a_planned_stop_says_goodbye_and_when_to_return(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    async with gateway_on(redis_url, tmp_path) as server:
        users = [user_of(server, f"u{number}") for number in range(3)]
        ann, bob, cat = [await user.__aenter__() for user in users]
        await cat.hear(Welcome)
        server.gateway.drain(server.now(), server.time_us())
        for user in (ann, bob, cat):
            goodbye = await user.hear(Goodbye)
            assert goodbye.code == CloseCode.SHUTTING_DOWN
            assert 0 <= goodbye.reconnect_in_ms < 1000
        for user in users:
            await user.__aexit__(None, None, None)
        assert (await http(server, "/readyz")) == (404, "draining: shutting down\n")


async def test_orders_reach_the_command_log_in_order_and_are_answered_from_the_feed(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann:
        for number in range(1, 21):
            order = {"client_order_id": f"c{number}", "instrument": "ACME", "side": "bid", "price": 9, "quantity": 1}
            await ann.ask(op="order", **order)
        commands: list[Command] = []
        async with asyncio.timeout(5):
            while len(commands) < 20:
                entries = await read_stream(exchange.redis, KEYS.commands, "0", 100)
                commands = [command for _, fields in entries for command in decode_commands(fields[COMMANDS_FIELD])]
        assert [command.number for command in commands] == list(range(1, 21))
        assert all(isinstance(command, PlaceOrder) and command.user == "ann" for command in commands)
        outcome = Outcome(commands[0].source, 1, Code.OK, "", 5, 0)
        await exchange.publish(outcomes=[outcome])
        assert (await ann.hear(Reply)).data == {"order_id": 5}


async def test_a_stop_at_any_moment_ends_it(redis_url: str, exchange: StoredExchange, tmp_path: Path) -> None:
    """redis-py loses a cancellation now and then while it connects; the gateway must end all the same."""
    for number in range(40):
        settings = GatewaySettings(redis_url=redis_url, port=0, secret_file=tmp_path / "secret")
        server = GatewayServer(settings, SECRET, GatewayLimits())
        stop = asyncio.Event()
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            tasks.create_task(server.run(stop))
            await asyncio.sleep(number % 15 / 1000)
            stop.set()


async def test_a_large_subscribe_goes_on_by_itself_and_others_are_served_between(
    redis_url: str, tmp_path: Path
) -> None:
    """A part a turn of the loop, with nothing received between; what is asked behind it is answered behind it."""
    symbols = [f"S{n:03}" for n in range(200)]
    exchange = StoredExchange(redis_url, *symbols)
    await exchange.publish(symbol=symbols[0], bids=[(price, 1) for price in range(1, 2_000)])
    await exchange.store_snapshots()
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann, user_of(server, "bob") as bob:
        await bob.hear(Welcome)
        for channel in ("book", "ticker"):
            await ann.ask(op="subscribe", channel=channel)
        await ann.ask(op="ping", id=9)
        await bob.ask(op="ping", id=2)
        await bob.hear(Reply, lambda reply: reply.id == 2)
        await ann.hear(Reply, lambda reply: reply.id == 9)
        told = [message.instrument for message in ann.messages if isinstance(message, Snapshot)]
        assert told == symbols
        await exchange.publish(symbol=symbols[1], bids=[(5, 5)])
        assert (await ann.hear(Delta)).instrument == symbols[1]
    await exchange.redis.aclose()

"""A gateway as its operators meet it: readiness, draining, accept rate, age, proxies, logs, a Redis that refuses."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any

import pytest
import structlog
from redis import Redis
from structlog.testing import CapturingLoggerFactory
from websockets.exceptions import ConnectionClosed, InvalidStatus

from openoutcry.aio.connect import connect as open_market
from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.messages import Goodbye, Reply, Welcome
from services.gateway.aio import health
from services.gateway.aio.server import GatewayServer
from services.gateway.aio.settings import GatewaySettings
from services.gateway.limits import GatewayLimits
from shared.identity import mint_token
from shared.token_bucket import Rate
from tests.integration.gateway_house import SECRET, StoredExchange, gateway_on, until, user_of
from tests.real_redis import RealRedis, free_port

TRUST_THIS_MACHINE = (ip_network("127.0.0.0/8"),)


@pytest.fixture
async def exchange(redis_url: str) -> AsyncIterator[StoredExchange]:
    stored = StoredExchange(redis_url, "ACME")
    await stored.publish(bids=[(100, 5)])
    await stored.store_snapshots()
    yield stored
    await stored.redis.aclose()


@pytest.fixture
def log() -> Any:
    """Everything logged, as (method, event and fields)."""
    factory = CapturingLoggerFactory()
    structlog.configure(processors=[structlog.processors.LogfmtRenderer()], logger_factory=factory)
    yield factory.logger
    structlog.reset_defaults()


async def get(server: GatewayServer, path: str, before: bytes = b"", **headers: str) -> tuple[int, str]:
    """GET a path; the status, and head and body."""
    lines = "".join(f"{name.replace('_', '-')}: {text}\r\n" for name, text in headers.items())
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(before + f"GET {path} HTTP/1.1\r\nHost: test\r\n{lines}\r\n".encode())
    async with asyncio.timeout(5):
        response = (await reader.read()).decode()
    writer.close()
    return int(response.split()[1]), response


async def readiness(server: GatewayServer) -> int:
    return (await get(server, "/readyz"))[0]


# Readiness and draining.


async def test_a_replica_is_ready_only_while_it_is_fed_and_has_room(
    redis_url: str, exchange: StoredExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What balancers go by: they must bring nobody to a replica whose books stand still, or that would refuse."""
    limits = GatewayLimits(connections=1, feed_silence_s=0.5)
    async with gateway_on(redis_url, tmp_path, limits) as server:
        assert await readiness(server) == 200
        async with user_of(server) as ann:
            await ann.hear(Welcome)
            assert await readiness(server) == 404, "full"
            await until(lambda: not server.gateway.is_fed(server.now()))
            assert await readiness(server) == 404, "a silence that may pass costs nobody the connection"
            with monkeypatch.context() as patch:
                patch.setattr(health, "UNFED_KEEPS_S", 0.5)
                assert await readiness(server) == 503, "one that lasts does"
            await exchange.publish(bids=[(101, 2)])
            await until(lambda: server.gateway.is_fed(server.now()))
        await until(lambda: not server.gateway.clients)
        await exchange.publish(bids=[(102, 2)])
        await until(lambda: server.gateway.is_fed(server.now()))
        assert await readiness(server) == 200
        assert (await get(server, "/healthz"))[0] == 200


async def test_a_stop_is_seen_by_balancers_before_users_are_sent_away(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """Else a balancer brings users to a replica that sends them away; 404 makes it keep those it has."""
    settings = GatewaySettings(redis_url=redis_url, port=0, drain_delay_s=0.5, drain_s=3)
    server = GatewayServer(settings, SECRET, settings.limits())
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(server.run(stop))
        await until(lambda: server.port != 0 and server.gateway.is_fed(server.now()))
        async with user_of(server, "ann") as ann:
            await ann.hear(Welcome)
            stop.set()
            await until(lambda: server.gateway.is_leaving)
            assert await readiness(server) == 404
            async with user_of(server, "bob") as bob:
                await bob.hear(Welcome)  # who is brought all the same is served
                assert (await ann.hear(Goodbye)).code == CloseCode.SHUTTING_DOWN
                assert (await bob.hear(Goodbye)).code == CloseCode.SHUTTING_DOWN
        async with asyncio.timeout(5):
            await running
    assert not server.gateway.clients


async def test_who_knocks_while_users_leave_is_told_to_come_again(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann:
        await ann.hear(Welcome)
        server.gateway.drain(server.now(), server.time_us())
        with pytest.raises(InvalidStatus) as refusal:
            async with user_of(server):
                pass
        assert refusal.value.response.status_code == 503
        assert refusal.value.response.headers["Retry-After"] == "1"


async def test_old_connections_move_on_each_at_its_own_time(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """New replicas fill only if somebody leaves the old ones; all at once would be a storm."""
    limits = GatewayLimits(connection_age_s=2.0)
    async with gateway_on(redis_url, tmp_path, limits) as server:
        async with user_of(server, "ann") as ann, user_of(server, "bob") as bob:
            began = time.monotonic()
            await asyncio.gather(ann.hear(Welcome), bob.hear(Welcome))
            ends = [client.expires_at for client in server.gateway.clients.values()]
            assert len(set(ends)) == 2
            goodbye = await ann.hear(Goodbye)
            assert (goodbye.code, goodbye.text) == (
                CloseCode.SHUTTING_DOWN,
                "this connection is old; another replica may have more room",
            )
            assert 1.5 < time.monotonic() - began < 8
            with pytest.raises(ConnectionClosed):
                await ann.hear(Reply)
        assert await readiness(server) != 404


# Too many at once.


async def test_beyond_the_accept_rate_a_handshake_is_refused_before_any_work(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    """Even its token is not looked at: a storm of returning users must not hold up those who are here."""
    limits = GatewayLimits(accepts=Rate(0.001, 1))
    async with gateway_on(redis_url, tmp_path, limits) as server, user_of(server) as ann:
        await ann.hear(Welcome)
        with pytest.raises(InvalidStatus) as refusal:
            async with user_of(server, token="rubbish"):
                pass
        response = refusal.value.response
        assert response.status_code == 503
        assert 1 <= int(response.headers["Retry-After"]) <= 10
        assert 'outcry_gateway_accepts_refused_total{status="503"} 1.0' in (await get(server, "/metrics"))[1]
        assert await readiness(server) == 200, "a balancer's checks do not count"


async def test_clients_come_again_until_they_are_let_in(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    limits = GatewayLimits(accepts=Rate(20, 5))
    async with gateway_on(redis_url, tmp_path, limits) as server, contextlib.AsyncExitStack() as users:
        url = f"ws://127.0.0.1:{server.port}/v1/stream"

        async def follow(number: int) -> None:
            token = mint_token(f"u{number}", SECRET, time.time() + 60)
            market = await users.enter_async_context(open_market(url, token=token, random=Random(number)))
            await market.book("ACME")

        async with asyncio.timeout(20):
            await asyncio.gather(*(follow(number) for number in range(20)))
        assert server.accept_statistics.refused[503] > 0
        assert server.accept_statistics.opened == 20


# Ports.


async def test_replicas_that_share_a_host_each_take_the_next_free_port(
    redis_url: str, exchange: StoredExchange, tmp_path: Path
) -> None:
    first = free_port()
    ports = f"{first}-{min(first + 20, 65_535)}"
    async with gateway_on(redis_url, tmp_path, port=ports) as one, gateway_on(redis_url, tmp_path, port=ports) as two:
        assert first <= one.port < two.port <= first + 20


# Whose connection it is.


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n",
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes([192, 0, 2, 7, 127, 0, 0, 1, 0, 1, 0, 2]),
    ],
    ids=["v1", "v2"],
)
async def test_the_address_that_a_trusted_proxy_tells_is_logged(
    redis_url: str, exchange: StoredExchange, tmp_path: Path, log: Any, header: bytes
) -> None:
    async with gateway_on(redis_url, tmp_path, trusted_proxies=TRUST_THIS_MACHINE) as server:
        assert await opened(server, header) == "101"
        await until(lambda: server.accept_statistics.opened == 1)
    assert "address=192.0.2.7" in text_of(log)


async def test_behind_an_http_proxy_the_address_is_the_one_it_forwards(
    redis_url: str, exchange: StoredExchange, tmp_path: Path, log: Any
) -> None:
    async with gateway_on(redis_url, tmp_path, trusted_proxies=TRUST_THIS_MACHINE) as server:
        assert await opened(server, b"", "X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\n") == "101"
        await until(lambda: server.accept_statistics.opened == 1)
    assert "address=192.0.2.7" in text_of(log)


@pytest.mark.parametrize(
    ("before", "headers", "reason"),
    [
        (b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n", "", "untrusted"),
        (b"", "X-Forwarded-For: 192.0.2.7\r\n", "untrusted"),
        (b"PROXY TCP4 nonsense\r\n", "", "malformed"),
        (b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x02ab", "", "malformed"),
        (b"", "X-Forwarded-For: a host\r\n", "malformed"),
        (b"", f"X-Forwarded-For: {'1.1.1.1, ' * 200}1.1.1.1\r\n", "too_long"),
    ],
)
async def test_what_is_not_trusted_or_not_understood_is_counted_and_the_user_served(
    redis_url: str, exchange: StoredExchange, tmp_path: Path, log: Any, before: bytes, headers: str, reason: str
) -> None:
    trusted = () if reason == "untrusted" else TRUST_THIS_MACHINE
    async with gateway_on(redis_url, tmp_path, trusted_proxies=trusted) as server:
        assert await opened(server, before, headers) == "101"
        sample = f'outcry_gateway_forwarded_ignored_total{{reason="{reason}"}} 1.0'
        assert sample in (await get(server, "/metrics"))[1]
    assert "192.0.2.7" not in text_of(log)
    assert "address=127.0.0.1" in text_of(log)


async def opened(server: GatewayServer, before: bytes, headers: str = "") -> str:
    """Shake hands by hand; the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    token = mint_token("ann", SECRET, time.time() + 60)
    request = (
        f"GET /v1/stream HTTP/1.1\r\nHost: t\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Protocol: openoutcry.v1.json\r\n"
        f"Authorization: Bearer {token}\r\n{headers}\r\n"
    )
    data = before + request.encode()
    for start in range(0, len(data), 40):  # as networks cut it
        writer.write(data[start : start + 40])
        await writer.drain()
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        status = (await reader.readline()).decode().split()[1]
    writer.close()
    return status


def text_of(log: Any) -> str:
    return "\n".join(str(call.args) + str(call.kwargs) for call in log.calls)


# Logs.


async def test_the_log_names_session_and_user_and_no_secret(
    redis_url: str, exchange: StoredExchange, tmp_path: Path, log: Any
) -> None:
    """Logs go where tokens must not."""
    token = mint_token("ann", SECRET, time.time() + 60)
    async with gateway_on(redis_url, tmp_path, GatewayLimits(bad_requests_in_a_row=1)) as server:
        async with user_of(server, token=token) as ann:
            welcome = await ann.hear(Welcome)
            await ann.ask(op="subscribe", token=token)
            await ann.hear(Goodbye)
        await until(lambda: not server.gateway.clients)
        with pytest.raises(InvalidStatus):
            async with user_of(server, token=f"{token}x"):
                pass
    text = text_of(log)
    assert f"session={welcome.session}" in text
    assert "user=ann" in text
    assert f"code={int(CloseCode.BAD_REQUEST)}" in text
    assert token not in text
    assert SECRET.decode() not in text


async def test_a_session_is_named_for_its_replica(redis_url: str, exchange: StoredExchange, tmp_path: Path) -> None:
    """Who asks for help can say which replica they are on, whatever stands between."""
    async with gateway_on(redis_url, tmp_path) as server, user_of(server) as ann, user_of(server) as bob:
        names = [(await user.hear(Welcome)).session for user in (ann, bob)]
    assert [name.rpartition("-")[0] for name in names] == [f"{socket.gethostname()}:{server.port}"] * 2
    assert len(set(names)) == 2


# A Redis that refuses.


@pytest.fixture
def guarded_redis(redis_server: RealRedis) -> RealRedis:
    """One that wants a password, and has a user who may not read the feed."""
    with Redis.from_url(redis_server.url) as redis:
        redis.acl_setuser("blind", enabled=True, passwords=["+pw"], commands=["+@connection"], keys=["*"])
        redis.config_set("requirepass", "right")
    return redis_server


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ({"redis_password": "wr0ng"}, "refuses the user or password"),
        ({}, "refuses the user or password"),
        ({"redis_username": "blind", "redis_password": "pw"}, "may not do this (see its ACL)"),
    ],
    ids=["wrong password", "no password", "ACL"],
)
async def test_a_redis_that_refuses_is_told_once_and_tried_again(
    guarded_redis: RealRedis, tmp_path: Path, log: Any, credentials: dict[str, str], words: str
) -> None:
    """Not ready with the reason, and alive: a password may be mended at either side, and nobody needs to restart it."""
    async with gateway_on(guarded_redis.url, tmp_path, is_fed=False, **credentials) as server:
        await until(lambda: server.feed_reader.statistics.reconnects >= 5)
        status, text = await get(server, "/readyz")
        assert (status, words in text) == (503, True), text
        assert (await get(server, "/healthz"))[0] == 200
    told = [line for line in text_of(log).splitlines() if "redis does not do its work" in line]
    assert len(told) == 1
    assert words in told[0]
    assert "wr0ng" not in text_of(log)


async def test_with_the_right_password_beside_the_url_it_serves(guarded_redis: RealRedis, tmp_path: Path) -> None:
    """So the URL may stand where everybody reads it."""
    exchange = StoredExchange(guarded_redis.url.replace("//", "//:right@"), "ACME")
    await exchange.publish(bids=[(100, 5)])
    await exchange.store_snapshots()
    async with gateway_on(guarded_redis.url, tmp_path, redis_password="right") as server, user_of(server) as ann:
        assert (await ann.hear(Welcome)).user == "ann"
    await exchange.redis.aclose()


async def test_a_command_log_that_may_not_be_written_refuses_orders_and_ends_nothing(
    redis_server: RealRedis, tmp_path: Path, log: Any
) -> None:
    with Redis.from_url(redis_server.url) as redis:
        redis.acl_setuser("reader", enabled=True, passwords=["+pw"], commands=["+@all", "-xadd"], keys=["*"])
    exchange = StoredExchange(redis_server.url, "ACME")
    await exchange.publish(bids=[(100, 5)])
    await exchange.store_snapshots()
    credentials = {"redis_username": "reader", "redis_password": "pw"}
    async with gateway_on(redis_server.url, tmp_path, **credentials) as server, user_of(server) as ann:
        order = {"op": "order", "instrument": "ACME", "side": "bid", "price": 9, "quantity": 1}
        await ann.ask(client_order_id="c1", **order)
        await until(lambda: not server.gateway.orders.log_is_writable)
        await ann.ask(client_order_id="c2", **order)
        assert (await ann.hear(Reply)).code == "busy"
    assert "the command log cannot be written" in text_of(log)
    await exchange.redis.aclose()


async def test_an_untrusted_certificate_is_told_for_what_it_is(tmp_path: Path, log: Any) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=own_certificate(tmp_path))
    url = f"rediss://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    async with server, gateway_on(url, tmp_path, is_fed=False) as gateway:
        await until(lambda: bool(gateway.feed_reader.unreachable))
        assert gateway.feed_reader.unreachable.startswith("TLS with Redis failed (its certificate")


def own_certificate(tmp_path: Path) -> ssl.SSLContext:
    """One that nobody has signed."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=nobody", "-days", "1",
         "-out", certificate, "-keyout", key],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context

"""The line to Redis: redis-py opens and closes it, and what lies between is ours.

It stands on inside parts of redis-py (how a connection holds its stream): these tests fail if those change. Through
sentinels it goes in `test_sentinel`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from redis import Redis as SyncRedis
from redis.exceptions import BusyLoadingError, NoScriptError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.aio import redis_line
from shared.aio.redis_connection import UNREACHABLE, Redis, open_redis, read_stream
from shared.aio.redis_line import RedisLine
from tests.real_redis import RealRedis, server_binary

pytestmark = pytest.mark.needs_redis

WITHIN_S = 10.0

Script = Callable[[bytes], bytes]
"""A server's reply to the words of a command; b"" is silence."""


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(redis_url, "test") as client:
        yield client


class Server(asyncio.Protocol):
    """Greets as Redis does, and then says what it is told to."""

    def __init__(self, answer: Script, met: list[asyncio.Transport]) -> None:
        self._answer = answer
        self._met = met

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._met.append(transport)

    def data_received(self, data: bytes) -> None:
        greetings = {b"HELLO": b"%1\r\n$5\r\nproto\r\n:3\r\n", b"CLIENT": b"+OK\r\n"}
        found = [greetings[word] for word in data.split(b"\r\n") if word in greetings]
        self._transport.write(b"".join(found) if found else self._answer(data))


@contextlib.asynccontextmanager
async def scripted(answer: Script, options: str = "") -> AsyncIterator[tuple[RedisLine, list[asyncio.Transport]]]:
    """A line to such a server, and the server's ends of all connections so far."""
    met: list[asyncio.Transport] = []
    server = await asyncio.get_running_loop().create_server(lambda: Server(answer, met), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_redis(f"redis://127.0.0.1:{port}{options}", "test") as client:
        yield RedisLine(client), met
    for transport in met:
        transport.abort()
    await asyncio.sleep(0)


async def eventually(ask: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not ask():  # noqa: ASYNC110 - what is asked knows no events
            await asyncio.sleep(0.01)


async def names_on(redis: Redis) -> list[str]:
    return [client["name"] for client in await redis.client_list()]


# -- what it says ---------------------------------------------------------------------------------------------------


async def test_it_reads_a_stream_as_redis_py_does(redis: Redis) -> None:
    line = RedisLine(redis)
    for number in range(5):
        await line.call("XADD", "s", "*", b"p", b"\x00\xff%d" % number, "t", number)
    assert await line.read_stream("s", "0", 3) == await read_stream(redis, "s", "0", 3)
    [*_, (last_id, fields)] = await read_stream(redis, "s", "0", 9)
    assert await line.last_entry("s") == (last_id, fields)
    assert await line.read_stream("s", last_id.decode(), 9, block_ms=None) == []
    assert await line.read_stream("s", last_id.decode(), 9, block_ms=1) == []
    assert await line.last_entry("no such stream") is None


async def test_it_gets_values_in_the_order_of_their_keys(redis: Redis) -> None:
    await redis.mset({"a": b"1", "b": b"2"})
    assert await RedisLine(redis).get_values(["b", "none", "a"]) == [b"2", None, b"1"]


async def test_a_large_reply_comes_whole(redis: Redis) -> None:
    line = RedisLine(redis)
    value = bytes(range(256)) * 20_000
    await line.call("SET", "large", value)
    assert await line.call("GET", "large") == value


async def test_refusals_are_of_redis_py_s_classes(redis: Redis) -> None:
    line = RedisLine(redis)
    with pytest.raises(NoScriptError):
        await line.call("EVALSHA", "0" * 40, 0)
    await line.call("SET", "text", "x")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await line.call("XLEN", "text")
    assert await line.call("GET", "text") == b"x"
    assert (await names_on(redis)).count("openoutcry-test") == 2, "a refusal ends no connection"


# -- how it is opened and closed ------------------------------------------------------------------------------------


async def test_redis_py_opens_it_with_name_and_database(redis_url: str) -> None:
    async with open_redis(redis_url.replace("/0", "/3"), "named") as client:
        line = RedisLine(client)
        about = (await line.call("CLIENT", "INFO")).decode()
        assert " name=openoutcry-named " in about
        assert " db=3 " in about
        assert " resp=3" in about


async def test_closing_the_client_closes_it(redis: Redis, redis_url: str) -> None:
    async with open_redis(redis_url, "short") as client:
        assert await RedisLine(client).call("PING") == b"PONG"
        assert "openoutcry-short" in await names_on(redis)
    async with asyncio.timeout(WITHIN_S):
        while "openoutcry-short" in await names_on(redis):  # noqa: ASYNC110 - the server's side has no event
            await asyncio.sleep(0.01)


def test_a_password_a_unix_socket_and_uvloop_do(tmp_path: Path) -> None:
    """The services run on uvloop; its transports are other ones than asyncio's."""
    socket = tmp_path / "s"
    binary = server_binary() or pytest.skip("no server")
    server = RealRedis(binary, tmp_path, "--unixsocket", str(socket), durable=False)

    async def ask(url: str) -> None:
        async with open_redis(url, "test") as client:
            line = RedisLine(client)
            assert await line.call("SET", "a", "b") == b"OK"
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await line.read_stream("s", "$", 1)
            assert await line.call("GET", "a") == b"b"
            await line.hang_up()
            assert await line.call("GET", "a") == b"b"

    with contextlib.ExitStack() as ends:
        ends.callback(server.kill)
        server.start()
        with SyncRedis.from_url(server.url) as admin:
            admin.config_set("requirepass", "secret")
        for url in (f"redis://:secret@127.0.0.1:{server.port}", f"unix://:secret@{socket}"):
            uvloop.run(ask(url))
            asyncio.run(ask(url))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_tls_does(tmp_path: Path, redis_url: str, run: Callable[[Any], None]) -> None:
    """What is behind TLS is a transport like any other."""
    certificate, key = tmp_path / "certificate", tmp_path / "key"
    made = f"req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout {key} -out {certificate}"
    try:
        subprocess.run(["openssl", *made.split()], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl to make a certificate with")
    target = int(redis_url.rpartition(":")[2].partition("/")[0])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_redis, to_redis = await asyncio.open_connection("127.0.0.1", target)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(forward(reader, to_redis))
            tasks.create_task(forward(from_redis, writer))

    async def ask() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        async with open_redis(f"rediss://localhost:{port}?ssl_ca_certs={certificate}", "test") as client:
            line = RedisLine(client)
            value = bytes(300_000)
            assert await line.call("SET", "a", value) == b"OK"
            assert await line.call("GET", "a") == value
            await line.hang_up()
            assert await line.call("GET", "a") == value
        server.close()

    run(ask())


# -- when it goes wrong ---------------------------------------------------------------------------------------------


async def test_nothing_is_heard_of_a_call_that_was_cancelled(redis: Redis) -> None:
    """Its reply would be taken for the next call's."""
    line = RedisLine(redis)
    await line.call("PING")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await line.read_stream("s", "$", 1)
    await redis.xadd("s", {b"late": b"1"})
    assert await line.call("PING") == b"PONG"


async def test_a_connection_that_ended_meanwhile_is_opened_again(redis: Redis) -> None:
    line = RedisLine(redis)
    own = await line.call("CLIENT", "ID")
    await redis.client_kill_filter(_id=str(own))
    await eventually(lambda: not line.is_connected)
    assert await line.call("CLIENT", "ID") != own


async def test_a_call_whose_connection_ends_says_so(redis: Redis) -> None:
    line = RedisLine(redis)
    own = await line.call("CLIENT", "ID")
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(_fault(line.read_stream("s", "$", 1)))
        await asyncio.sleep(0)
        await redis.client_kill_filter(_id=str(own))
    assert isinstance(reading.result(), UNREACHABLE)
    assert await line.call("PING") == b"PONG"


async def test_nobody_there_is_unreachable() -> None:
    async with open_redis("redis://127.0.0.1:1", "test") as client:
        for _ in range(2):
            with pytest.raises(UNREACHABLE):
                await RedisLine(client).call("PING")


async def test_silence_ends_after_the_time_limit() -> None:
    """And a reply that comes too late goes to nobody."""
    async with scripted(lambda data: b"" if b"SLOW" in data else b"+PONG\r\n", "?socket_timeout=0.05") as (line, _):
        with pytest.raises(RedisTimeoutError):
            await line.call("SLOW")
        assert await line.call("PING") == b"PONG"


async def test_the_time_limit_is_each_call_s_own() -> None:
    """One timer serves all calls; a call that began late has its full time."""
    async with scripted(lambda data: b"+PONG\r\n", "?socket_timeout=0.2") as (line, _):
        give_up = asyncio.get_running_loop().time() + 0.5
        while asyncio.get_running_loop().time() < give_up:
            assert await line.call("PING") == b"PONG"
            await asyncio.sleep(0.03)


async def test_a_reply_may_come_in_pieces_and_behind_notices() -> None:
    async with scripted(lambda data: b">2\r\n+moving\r\n:1\r\n$5\r\nhe") as (line, met):
        async with asyncio.TaskGroup() as tasks:
            reply = tasks.create_task(line.call("GET", "a"))
            await eventually(lambda: line._wire is not None and line._wire._parser.has_data())
            met[0].write(b"llo\r\n")
        assert reply.result() == b"hello"


@pytest.mark.parametrize("reply", [b"?garbage\r\n", b"+one\r\n+two\r\n"])
async def test_what_nobody_asked_for_ends_the_connection(reply: bytes) -> None:
    """The next reply would be somebody else's."""
    replies = iter([reply])
    async with scripted(lambda data: next(replies, b"+PONG\r\n")) as (line, _):
        with contextlib.suppress(*UNREACHABLE):
            assert await line.call("GET", "a") == b"one"
        assert not line.is_connected
        assert await line.call("PING") == b"PONG"


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (b"-READONLY You can't write against a read only replica.\r\n", RedisConnectionError),
        (b"-LOADING Redis is loading the dataset in memory\r\n", BusyLoadingError),
    ],
)
async def test_a_server_that_will_not_do_is_left(refusal: bytes, kind: type[Exception]) -> None:
    """The next connection may find another: a primary that was demoted goes on answering."""
    replies = iter([refusal])
    async with scripted(lambda data: next(replies, b"+PONG\r\n")) as (line, _):
        with pytest.raises(kind) as caught:
            await line.call("XADD", "s", "*", "f", "v")
        assert isinstance(caught.value, UNREACHABLE)
        assert not line.is_connected
        assert await line.call("PING") == b"PONG"


async def test_a_failed_opening_leaves_nothing_behind(redis_server: RealRedis) -> None:
    async with open_redis(redis_server.url, "test") as client:
        line = RedisLine(client)
        assert await line.call("PING") == b"PONG"
        redis_server.kill()
        for _ in range(3):
            with pytest.raises(UNREACHABLE):
                await line.call("PING")
        redis_server.start()
        assert await line.call("PING") == b"PONG"
        assert (await names_on(client)).count("openoutcry-test") == 2


async def _fault(call: Any) -> Exception | None:
    try:
        await call
    except redis_line.RedisError as error:
        return error
    return None

"""A line to Redis: one connection, one command at a time, with little code between the two.

redis-py opens the connection (URL, sentinels, TLS, HELLO, AUTH, SELECT, name), keeps it in its pool and closes it. In
between this takes its stream's place at the transport: a command is packed and written, and hiredis parses the reply.
It is for questions that a process asks hundreds of times a second and sleeps in between, where all of redis-py's layers
are gone from the caches each time (docs/decisions/0010). Everything else asks redis-py.

A reply belongs to the command before it and to nothing else. Anything that keeps a command from its reply (the caller's
cancellation, the time limit, an error of the protocol) ends the connection. The next call opens another.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import hiredis
from redis.asyncio.connection import DefaultParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.aio.redis_connection import BLOCK_MS, READ_TIMEOUT_S, Redis, RedisError, StreamEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

_INCOMPLETE: Final = object()
"""What hiredis gives while a reply is not complete."""


class RedisLine:
    """
    A client's connection for one caller: a call must have ended before the next.

    Args:
        redis: Its pool opens and closes the connection; closing the client closes the line.
    """

    def __init__(self, redis: Redis) -> None:
        self._pool = cast("_Pool", redis.connection_pool)
        self._connection: _Connection | None = None
        self._wire: _Wire | None = None
        self.is_in_doubt = False
        """Whether the last command was sent and not answered: it may have been carried out. One that a server refused,
        or for which there was no connection, was not."""

    @property
    def is_connected(self) -> bool:
        """Whether the next call goes out on the connection of the last one."""
        return self._wire is not None and not self._wire.is_closing()

    async def call(self, *words: str | bytes | int) -> Any:
        """
        Send one command and return its reply as RESP3 has it: bytes, ints, lists, maps, None.

        Never repeated: whether a command whose reply was lost has been carried out, only the caller can find out.

        Raises:
            RedisConnectionError: If there is no connection, or it ended; also if the server may not be written to: a
                new connection may find the one that may.
            RedisTimeoutError: If no reply came within the connection's timeout.
            RedisError: If the server refused the command.
        """
        wire = self._wire
        self.is_in_doubt = False
        if wire is None or wire.is_closing():
            wire = await self._open()
        self.is_in_doubt = True
        try:
            reply = await wire.ask(words)
        except asyncio.CancelledError:
            wire.abort()
            raise
        self.is_in_doubt = False
        if isinstance(reply, RedisError):
            raise self._refusal(wire, reply)
        return reply

    async def read_stream(self, key: str, after: str, count: int, block_ms: int | None = BLOCK_MS) -> list[StreamEntry]:
        """Return up to `count` entries after an id, oldest first; none if none came in `block_ms` (None: at once)."""
        block = () if block_ms is None else ("BLOCK", block_ms)
        found = await self.call("XREAD", "COUNT", count, *block, "STREAMS", key, after)
        return stream_entries(found[key.encode()]) if found else []

    async def last_entry(self, key: str) -> StreamEntry | None:
        """Return a stream's newest entry, or None if it holds none."""
        newest = stream_entries(await self.call("XREVRANGE", key, "+", "-", "COUNT", 1))
        return newest[0] if newest else None

    async def get_values(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return several values, read at one instant, in the order of their keys."""
        return cast("list[bytes | None]", await self.call("MGET", *keys))

    async def hang_up(self) -> None:
        """End this and all other connections of the client: the next call asks anew where the server is."""
        await self._pool.disconnect()

    async def _open(self) -> _Wire:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)
        self._connection = await self._pool.get_connection()
        self._wire = _Wire(self._connection)
        return self._wire

    def _refusal(self, wire: _Wire, error: RedisError) -> RedisError:
        """Return the error to raise; the connection does not outlive one that says that its server will not do."""
        if isinstance(error, ReadOnlyError):
            error = RedisConnectionError(f"the server is no primary: {error}")
        if isinstance(error, RedisConnectionError):
            wire.abort()
        return error


def stream_entries(rows: Sequence[Any]) -> list[StreamEntry]:
    """Return the entries of an XRANGE's or XREAD's reply, whose fields come as a flat list."""
    return [(entry_id, dict(zip(fields[::2], fields[1::2], strict=True))) for entry_id, fields in rows]


class _Wire(asyncio.Protocol):
    """
    Stands between a connection's transport and the stream that redis-py reads from, until the connection ends.

    Args:
        connection: Open, and nothing under way on it.
    """

    def __init__(self, connection: _Connection) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = connection._writer.transport  # noqa: SLF001 - redis-py has no other way to it
        self._stream = cast("asyncio.Protocol", self._transport.get_protocol())
        self._timeout_s = connection.socket_timeout or READ_TIMEOUT_S
        self._parser = hiredis.Reader(
            protocolError=RedisConnectionError, replyError=DefaultParser.parse_error, notEnoughData=_INCOMPLETE
        )
        self._reply: asyncio.Future[Any] | None = None
        self._due_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._transport.set_protocol(self)

    def ask(self, words: tuple[str | bytes | int, ...]) -> asyncio.Future[Any]:
        """Send a command; the future gets its reply, or the error for which there is none."""
        assert self._reply is None, "one command at a time"
        self._reply = self._loop.create_future()
        self._transport.write(hiredis.pack_command(words))  # type: ignore[arg-type]  # its types know one word only
        # One timer for many commands: to set one up and cancel it for each would cost as much as the command.
        self._due_at = self._loop.time() + self._timeout_s
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._check_time)
        return self._reply

    def is_closing(self) -> bool:
        """Tell whether the connection has ended or is about to."""
        return self._transport.is_closing()

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    # -- asyncio's side ---------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take bytes as they came."""
        try:
            self._parser.feed(data)
            while (reply := self._parser.gets()) is not _INCOMPLETE:
                if not isinstance(reply, hiredis.PushNotification):  # of those none was asked for
                    self._pass_on(reply)
        except RedisConnectionError as error:
            self._fail(error)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits, and the stream: redis-py waits for that when it closes a connection."""
        self._fail(RedisConnectionError(f"the connection to Redis ended: {error or 'closed by the server'}"))
        if self._timer is not None:
            self._timer.cancel()
        self._stream.connection_lost(error)

    # -- private ----------------------------------------------------------------------------------------------------

    def _pass_on(self, reply: Any) -> None:
        waiting, self._reply = self._reply, None
        if waiting is None:
            raise RedisConnectionError("a reply came to nothing that was asked")
        if not waiting.done():
            waiting.set_result(reply)

    def _check_time(self) -> None:
        self._timer = None
        if self._reply is None:
            return
        left_s = self._due_at - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._check_time)
        else:
            self._fail(RedisTimeoutError(f"no reply from Redis within {self._timeout_s:g} s"))

    def _fail(self, error: RedisError) -> None:
        waiting, self._reply = self._reply, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(error)
        self._transport.abort()


class _Connection(Protocol):
    """What of redis-py's connection is used; redis-py itself has no types for it."""

    _writer: asyncio.StreamWriter
    socket_timeout: float | None

    async def disconnect(self, *, nowait: bool) -> None: ...


class _Pool(Protocol):
    """What of redis-py's connection pool is used."""

    async def get_connection(self) -> _Connection: ...

    async def release(self, connection: _Connection) -> None: ...

    async def disconnect(self) -> None: ...

"""The exchange on one machine: Redis, the matching engine and the gateways, each a process of its own.

Owns their start, readiness and ordered end. Gateways may die without ending the exchange; Redis and the engine may not.
"""

from __future__ import annotations

import asyncio
import functools
import secrets
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from openoutcry.demo.aio.child import Child, stop_together, total_usage
from openoutcry.demo.aio.local_redis import LocalRedis, free_ports
from openoutcry.demo.aio.stop_signal import StopSignal
from openoutcry.demo.options import HOST, StackOptions
from openoutcry.demo.usage import Usage
from services.gateway.authentication import mint_token
from shared.aio.redis_connection import UNREACHABLE, open_redis
from shared.errors import ConfigurationError, StoreUnavailable

START_SECONDS_MAX: Final = 30.0
TOKEN_SECONDS: Final = 7 * 24 * 3600.0
"""How long the tokens of a development stack are valid."""
SECRET_MODE: Final = 0o600


class Stack:
    """
    A running exchange; a context manager that ends it.

    Args:
        options: Checked.
        folder: Private folder for logs, data and the token secret.
        say: Where to say what is going on.
    """

    def __init__(self, options: StackOptions, folder: Path, say: Callable[[str], None]) -> None:
        self.folder: Final = folder
        self.redis: LocalRedis | None = None
        self.engine: Child | None = None
        self.gateways: list[Child] = []
        self.redis_url = options.redis_url or ""
        self.ports: Final = _gateway_ports(options)
        listing = options.instruments_file
        self._listing_flags = ("--instruments-file", str(listing)) if listing else ()
        self._pace_flags = () if options.pace_ms is None else ("--pace-ms", f"{options.pace_ms:g}")
        self._secret = secrets.token_hex(32).encode()
        self._say = say

    @property
    def gateway_urls(self) -> list[str]:
        """Where the gateways listen, in order."""
        return [f"ws://{HOST}:{port}/v1/stream" for port in self.ports]

    @property
    def essential(self) -> list[Child]:
        """The processes without which there is no exchange."""
        children = [self.redis.child if self.redis else None, self.engine]
        return [child for child in children if child is not None]

    def token(self, user: str) -> str:
        """Mint a token for a development user."""
        return mint_token(user, self._secret, time.time() + TOKEN_SECONDS)

    async def start(self, stop: StopSignal) -> None:
        """
        Start everything and return when all of it is ready.

        Raises:
            ConfigurationError: If a port is taken, or there is no Redis.
            RoleFailed: If a part does not come up; with the end of its log.
            Interrupted: If `stop` was heard meanwhile.
        """
        await self._start_redis()
        secret_file = self.folder / "token-secret"
        secret_file.touch(mode=SECRET_MODE)
        secret_file.write_bytes(self._secret)
        self._say(f"a token for anyone: outcry token USER --secret-file {secret_file}")
        self._say("starting the matching engine and the gateways")
        self.engine = self._service("matching", "services.matching", *self._listing_flags)
        flags = ("--secret-file", str(secret_file), *self._pace_flags)
        self.gateways = [
            self._service(f"gateway-{number}", "services.gateway", "--port", str(port), *flags)
            for number, port in enumerate(self.ports, start=1)
        ]
        await self._wait_until_ready(stop)

    def usage(self) -> dict[str, Usage]:
        """Measure each role; gateways are summed."""
        used = {"gateway": total_usage(self.gateways)}
        if self.redis is not None:
            used["redis"] = self.redis.child.usage()
        if self.engine is not None:
            used["matching"] = self.engine.usage()
        return used

    def stop(self) -> None:
        """End everything, those who use before those who are used."""
        stop_together(self.gateways)
        if self.engine is not None:
            self.engine.stop()
        if self.redis is not None:
            self.redis.stop()

    async def _start_redis(self) -> None:
        if self.redis_url:
            await _check_answers(self.redis_url)
            return
        self.redis = LocalRedis(self.folder)
        self.redis_url = self.redis.url
        if self.redis.warning:
            self._say(self.redis.warning)
        self._say(f"Redis is {self.redis.program.kind} on port {self.redis.port}")

    def _service(self, name: str, module: str, *flags: str) -> Child:
        argv = [sys.executable, "-m", module, "--redis-url", self.redis_url, *flags]
        return Child(name, argv, self.folder)

    async def _wait_until_ready(self, stop: StopSignal) -> None:
        for port in self.ports:
            await stop.until(
                functools.partial(_is_ready, port),
                START_SECONDS_MAX,
                f"the gateway on port {port} was not ready",
                [*self.essential, *self.gateways],
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _gateway_ports(options: StackOptions) -> list[int]:
    if options.port is None:
        return free_ports(options.gateways)
    ports = list(range(options.port, options.port + options.gateways))
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                raise ConfigurationError(f"port {port} cannot be used ({error.strerror}): choose --port") from error
    return ports


async def _check_answers(redis_url: str) -> None:
    try:
        redis = open_redis(redis_url, "probe")
    except ValueError as error:
        raise ConfigurationError(f"--redis-url {redis_url!r}: {error}") from error
    try:
        await redis.ping()
    except UNREACHABLE as error:
        raise StoreUnavailable(f"no Redis answers at {redis_url}: {error}") from error
    finally:
        await redis.aclose()


async def _is_ready(port: int) -> bool:
    try:
        async with asyncio.timeout(2):
            answer, request = await asyncio.open_connection(HOST, port)
            try:
                request.write(f"GET /readyz HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode())
                status = await answer.readline()
            finally:
                request.close()
    except (OSError, TimeoutError):
        return False
    return status.split(b" ")[1:2] == [b"200"]

"""The exchange on one machine: Redis, the matching engines and the gateways, each a process of its own.

Owns their start, readiness and ordered end. Gateways may die without ending the exchange, and so may engines as long as
one is left; Redis may not.
"""

from __future__ import annotations

import asyncio
import functools
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.redacted_url import redacted
from outcry.stack.aio.child import Child, stop_together, total_usage
from outcry.stack.aio.free_ports import free_ports
from outcry.stack.aio.local_redis import LocalRedis
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import HOST, IN_FOLDER, StackOptions
from outcry.stack.usage import Usage
from services.gateway.aio.page_folder import own_page
from services.gateway.page_files import INDEX
from shared.aio.redis_connection import UNREACHABLE, RedisError, open_redis
from shared.aio.settings import variable
from shared.aio.store_failure import store_failure
from shared.identity import mint_token
from shared.redis_url import checked_redis_url
from shared.store_errors import StoreUnavailable

START_SECONDS_MAX: Final = 30.0
TOKEN_SECONDS: Final = 7 * 24 * 3600.0
"""How long the tokens of a development stack are valid."""
SECRET_MODE: Final = 0o600

_HELD: Final = (variable("ledger_hold_packets"), variable("ledger_hold_entries"))
"""What the engines hold for the ledger, which it tells how full it is."""


class Stack:
    """
    A running exchange; a context manager that ends it.

    Args:
        options: Checked.
        folder: Private folder for logs, data and the token secret.
        say: Where to say what is going on.
        route: Given a service's name and the URL of Redis, returns the URL that this service is to use: a test may
            have something in between.
        engine_settings: Environment of the engines, beside ours: `OUTCRY_LEASE_MS` and the like.
        gateway_settings: Likewise of the gateways.
        redis_folder: Where a Redis of our own keeps its data; None is the private folder.
    """

    def __init__(
        self,
        options: StackOptions,
        folder: Path,
        say: Callable[[str], None],
        route: Callable[[str, str], str] = lambda _, url: url,
        engine_settings: Mapping[str, str] | None = None,
        gateway_settings: Mapping[str, str] | None = None,
        redis_folder: Path | None = None,
    ) -> None:
        self.folder: Final = folder
        self.redis: LocalRedis | None = None
        self.engines: list[Child] = []
        self.gateways: list[Child] = []
        self.ledger: Child | None = None
        self.redis_url = options.redis_url or ""
        self.ports: Final = _gateway_ports(options)
        self.engine_ports: Final = _engine_ports(options, self.ports)
        """Where the engines answer for their health and metrics, in order."""
        self.ledger_port: Final = free_ports(1)[0] if options.ledger else 0
        """Where the ledger answers for its record, health and metrics."""
        listing = options.instruments_file
        self._listing_flags = ("--instruments-file", str(listing)) if listing else ()
        self._pace_flags = () if options.pace_ms is None else ("--pace-ms", f"{options.pace_ms:g}")
        self._secret = secrets.token_hex(32).encode()
        self._say = say
        self._options = options
        self._route = route
        self._engine_settings = engine_settings
        self._gateway_settings = gateway_settings
        self._redis_folder = redis_folder or folder

    @property
    def gateway_urls(self) -> list[str]:
        """Where the gateways listen, in order."""
        return [f"ws://{HOST}:{port}/v1/stream" for port in self.ports]

    def page_url(self, user: str) -> str:
        """Return where the trading page is, for a development user who need not log in; "" if none was built."""
        is_built = variable("page_folder") in os.environ or (own_page() / INDEX).is_file()
        return f"http://{HOST}:{self.ports[0]}/#token={self.token(user)}" if is_built else ""

    def where_to_look(self, user: str) -> str:
        """Return a line for people about the trading page."""
        page = self.page_url(user)
        return f"the trading page: {page}" if page else "the trading page is not built: make web (needs Node 20)"

    @property
    def engine(self) -> Child | None:
        """The only engine, or the first of several; None before the start."""
        return self.engines[0] if self.engines else None

    @property
    def metrics_urls(self) -> dict[str, str]:
        """Where the numbers of each engine and gateway are, by name; whoever leads."""
        names = [*engine_names(self._options.engines), *(f"gateway-{place + 1}" for place in range(len(self.ports)))]
        ports = [*self.engine_ports, *self.ports]
        if self.ledger_port:
            names.append("ledger")
            ports.append(self.ledger_port)
        return {name: f"http://{HOST}:{port}/metrics" for name, port in zip(names, ports, strict=True)}

    async def is_ready(self) -> bool:
        """Whether every gateway wants users, one engine leads and the others could at once."""
        ports = [*self.engine_ports, *self.ports]
        return all(await asyncio.gather(*(_is_ready(port) for port in ports)))

    @property
    def parts(self) -> list[Child]:
        """All processes of the exchange, those that others need first."""
        ledger = [self.ledger] if self.ledger is not None else []
        return [*([self.redis.child] if self.redis else []), *self.engines, *self.gateways, *ledger]

    @property
    def essential(self) -> list[Child]:
        """
        The processes without which there is no exchange: one of them dead, and nothing goes on.

        Of several engines that is the last one alive, or any of them if all are dead.
        """
        alive = [engine for engine in self.engines if engine.exit_status() is None]
        return [*([self.redis.child] if self.redis else []), *(alive or self.engines)[:1]]

    def token(self, user: str, *roles: str) -> str:
        """Mint a token for a development user, of these roles."""
        return mint_token(user, self._secret, time.time() + TOKEN_SECONDS, roles=roles)

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
        self._say(f"starting {_engines(self._options.engines)} and the gateways")
        self.engines = [
            self._service(
                name,
                "services.matching",
                *("--metrics-port", str(port)),
                *self._listing_flags,
                environment=self._engine_settings,
            )
            for name, port in zip(engine_names(self._options.engines), self.engine_ports, strict=True)
        ]
        flags = ("--secret-file", str(secret_file), *self._pace_flags)
        page = {variable("page_ledger_url"): f"http://{HOST}:{self.ledger_port}"} if self.ledger_port else {}
        self.gateways = [
            self._service(
                f"gateway-{number}",
                "services.gateway",
                *("--port", str(port)),
                *flags,
                environment=page | dict(self._gateway_settings or {}),
            )
            for number, port in enumerate(self.ports, start=1)
        ]
        self._start_ledger(secret_file)
        await self._wait_until_ready(stop)

    def usage(self) -> dict[str, Usage]:
        """Measure each role; gateways are summed, and so are engines, whoever leads."""
        used = {"gateway": total_usage(self.gateways)}
        if self.redis is not None:
            used["redis"] = self.redis.child.usage()
        if self.engines:
            used["matching"] = total_usage(self.engines)
        if self.ledger is not None:
            used["ledger"] = self.ledger.usage()
        return used

    def stop(self) -> None:
        """End everything, those who use before those who are used."""
        if self.ledger is not None:
            self.ledger.stop()
        stop_together(self.gateways)
        stop_together(self.engines)
        if self.redis is not None:
            self.redis.stop()

    def _start_ledger(self, secret_file: Path) -> None:
        """Start the ledger, if there is to be one. The market needs it for nothing."""
        database = self._options.ledger
        if database is None:
            return
        if database == IN_FOLDER:
            database = f"sqlite:///{self.folder / 'ledger.db'}"
        if database.startswith("postgres"):
            _make_tables(database)
        held = {name: told for name, told in (self._engine_settings or {}).items() if name in _HELD}
        environment = {**held, variable("ledger_database"): database}
        # Pages come from the gateways, by either name of this machine.
        pages = [f"http://{host}:{port}" for host in (HOST, "localhost") for port in self.ports]
        environment[variable("ledger_origins")] = ",".join(pages)
        if variable("ledger_keys") not in os.environ and database.startswith("postgres"):
            environment[variable("ledger_keys")] = str(_ledger_keys())
        flags = ("--port", str(self.ledger_port), "--secret-file", str(secret_file))
        self._say(f"the ledger writes into {redacted(database)}")
        # The command, not the service: its interface has books of the past and receipts too.
        self.ledger = self._service("ledger", "outcry", "ledger", "run", *flags, environment=environment)

    async def _start_redis(self) -> None:
        if self.redis_url:
            await _check_answers(self.redis_url)
            return
        self.redis = LocalRedis(self._redis_folder, appendfsync=self._appendfsync())
        self.redis_url = self.redis.url
        if self.redis.warning:
            self._say(self.redis.warning)
        self._say(f"Redis is {self.redis.program.kind} on port {self.redis.port}")

    def _appendfsync(self) -> str:
        """Return what the engines will ask of our Redis: `always` where they are told to outlive the machine."""
        told = {**os.environ, **(self._engine_settings or {})}
        return "always" if told.get("OUTCRY_DURABILITY", "").lower() == "machine" else self._options.appendfsync

    def _service(self, name: str, module: str, *flags: str, environment: Mapping[str, str] | None = None) -> Child:
        # Not as an argument, which anyone may list: it may hold a password.
        settings = {variable("redis_url"): self._route(name, self.redis_url), **(environment or {})}
        return Child(name, [sys.executable, "-m", module, *flags], self.folder, environment=settings)

    async def _wait_until_ready(self, stop: StopSignal) -> None:
        needed = [*self.essential, *self.gateways, *([self.ledger] if self.ledger is not None else [])]
        for name, port in (
            *zip(engine_names(self._options.engines), self.engine_ports, strict=True),
            *((f"the gateway on port {port}", port) for port in self.ports),
            *([("the ledger", self.ledger_port)] if self.ledger is not None else []),
        ):
            ready = functools.partial(_is_ready, port)
            await stop.until(ready, START_SECONDS_MAX, f"{name} was not ready", needed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _make_tables(database: str) -> None:
    """Make the ledger's tables in PostgreSQL, as whoever the URL names: a stack of one machine has no other owner."""
    from services.ledger.aio.database import database_url  # noqa: PLC0415 - a stack without a ledger needs no database
    from services.ledger.aio.migration import migrate  # noqa: PLC0415 - likewise

    migrate(database_url(database))


def _ledger_keys() -> Path:
    """Return the folder of what the ledger signs with, beside whoever runs the stack; made if it is not there."""
    from services.ledger.aio.proof_keys import add_signing_key  # noqa: PLC0415 - likewise

    folder = Path("outcry-ledger.keys").absolute()
    if not folder.exists():
        add_signing_key(folder)
    return folder


def engine_names(engines: int) -> list[str]:
    """Name the engines' processes; one alone needs no number."""
    return ["matching"] if engines == 1 else [f"matching-{number}" for number in range(1, engines + 1)]


def _engines(engines: int) -> str:
    return "the matching engine" if engines == 1 else f"{engines} matching engines (one leads, the rest stand by)"


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


def _engine_ports(options: StackOptions, taken: Sequence[int]) -> list[int]:
    """Choose free ones; those of the gateways are not bound yet, and would be found free too."""
    found = free_ports(options.engines + len(taken))
    return [port for port in found if port not in taken][: options.engines]


async def _check_answers(redis_url: str) -> None:
    try:
        redis = open_redis(checked_redis_url(redis_url), "probe")
    except ValueError as error:  # which quotes nothing: what is wrong may be the password
        raise ConfigurationError(f"--redis-url {redacted(redis_url)!r}: {error}") from None
    try:
        await redis.ping()
    except (*UNREACHABLE, RedisError) as error:
        raise StoreUnavailable(f"no Redis answers at {redacted(redis_url)}: {store_failure(error)}") from error
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

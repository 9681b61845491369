"""The ledger as a process: `python -m services.ledger`."""

from __future__ import annotations

import asyncio
import enum
import gc
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Any, Final

import structlog
import typer
import uvloop
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from openoutcry.wire.errors import ConfigurationError, OpenOutcryError
from services.ledger.aio.api import make_app
from services.ledger.aio.api_access import RefusalLog, RefusedAccess
from services.ledger.aio.database import masked, open_engine
from services.ledger.aio.door import OpsPages, make_server
from services.ledger.aio.ledger_api import ApiSettings
from services.ledger.aio.ledger_writer import PlaceTaken, RecordRefused
from services.ledger.aio.metrics import LedgerMetrics
from services.ledger.aio.migration import WrongTables
from services.ledger.aio.proof_keys import ProofKeys
from services.ledger.aio.proof_store import load_chain
from services.ledger.aio.proving_keys import proving_keys
from services.ledger.aio.service import LedgerService
from services.ledger.aio.settings import LedgerSettings
from services.ledger.proof.block_chain import BlockChain
from shared.aio.access_teller import tell_accesses
from shared.aio.build_info import tell_build
from shared.aio.first_error import first_error
from shared.aio.health_pages import Readiness
from shared.aio.key_source import KeySource, check_key_place, read_secret
from shared.aio.logging import configure_logging
from shared.aio.redis_connection import open_redis
from shared.aio.redis_line import RedisLine
from shared.aio.settings import load_settings
from shared.identity import Authenticator
from shared.key_ring import KeyRing
from shared.logs.refused_access import RefusedAccesses
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry
from shared.token_keys import shared_key

COLLECTOR_THRESHOLDS: Final = (50_000, 20, 1_000)
"""Of the garbage collector: rows are many, live for one transaction and form no circles; looking for some takes a tenth
of the time."""
LINGER_S: Final = 12.0
"""How long a ledger that will end with status 5 still shows its metrics: two scrapes of five seconds, and some."""


class LedgerExit(enum.IntEnum):
    """How the process ended."""

    STOPPED = 0
    """Asked to, by SIGTERM or SIGINT."""
    MISCONFIGURED = 2
    PLACE_TAKEN = 4
    """Another ledger writes into the same database; start again to stand by."""
    REFUSED = 5
    """A packet that cannot be read, or a row that the database refuses; a person must look."""
    OTHER_TABLES = 6
    """The tables are not this release's, or another market's; the last line of the log names the command to run."""


_EXITS: Final[dict[type[OpenOutcryError], LedgerExit]] = {
    ConfigurationError: LedgerExit.MISCONFIGURED,
    PlaceTaken: LedgerExit.PLACE_TAKEN,
    RecordRefused: LedgerExit.REFUSED,
    CorruptEntry: LedgerExit.REFUSED,
    WrongTables: LedgerExit.OTHER_TABLES,
}
Interface = Callable[[LedgerSettings, ProofKeys], dict[str, Any]]
"""Returns what `make_app` is given beside database and authenticator: what needs an engine comes from outside."""


def no_more(_settings: LedgerSettings, _keys: ProofKeys) -> dict[str, Any]:
    """Add nothing to the interface."""
    return {}


def run(settings: LedgerSettings, interface: Interface = no_more) -> int:
    """Run one ledger until it is stopped or cannot go on; returns the process's exit status."""
    configure_logging(settings.log_level)
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    try:
        uvloop.run(_serve(settings, interface))
    except tuple(_EXITS) as error:
        status = _EXITS[type(error)]
        structlog.get_logger().error("the ledger stopped", reason=str(error), exit_code=int(status))
        return status
    return LedgerExit.STOPPED


async def _serve(settings: LedgerSettings, interface: Interface) -> None:
    registry = CollectorRegistry()
    tell_build(registry)
    metrics = LedgerMetrics(registry)
    keys = proving_keys(settings)
    product, shard = settings.ledger_product, settings.shard

    def chain(connection: Connection) -> BlockChain:
        return BlockChain(product, shard, keys.salts, keys.signer, load_chain(connection, product, shard))

    async with (
        open_redis(settings.redis_url, "ledger-reader", settings.redis_credentials) as reading,
        open_redis(settings.redis_url, "ledger", settings.redis_credentials) as asking,
    ):
        service = LedgerService(settings, reading, asking, chain, metrics, SystemRandom())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, service.stop)
        structlog.get_logger().info("the ledger begins", database=masked(settings.ledger_database), shard=shard)
        try:
            async with asyncio.TaskGroup() as tasks:
                beside = _beside(tasks, settings, interface, keys, service, registry)
                await _run_and_linger(service, metrics, settings)
                for end in beside:
                    end()
        except BaseExceptionGroup as group:
            raise first_error(group) from group


def _beside(
    tasks: asyncio.TaskGroup,
    settings: LedgerSettings,
    interface: Interface,
    keys: ProofKeys,
    service: LedgerService,
    registry: CollectorRegistry,
) -> Sequence[Callable[[], object]]:
    """Begin what runs beside the writer; returns what ends it."""
    if not settings.ledger_port:
        return ()
    ring = KeyRing(None if settings.jwks else shared_key(read_secret(settings.secret_file)))
    ends: list[Callable[[], object]] = []
    if settings.jwks:
        source = KeySource(settings.jwks, ring, lambda _loaded: None)
        ends.append(tasks.create_task(source.run(), name="token keys").cancel)
    refused = RefusedAccesses("ledger")
    telling, log = _tell_accesses(settings, refused), RefusalLog()

    def told(each: RefusedAccess) -> None:
        log(each)
        refused.tell(each.user, each.code, each.text, time.time_ns() // 1_000)

    ends.append(tasks.create_task(telling, name="refused accesses").cancel)
    app = make_app(
        open_engine(settings.url(), writes=False),
        Authenticator(ring, settings.audience()),
        settings=ApiSettings(origins=settings.ledger_origins, stale_s=settings.ledger_stale_s),
        on_refused=told,
        **interface(settings, keys),
    )
    pages = OpsPages(app, registry, lambda: readiness(service))
    server, listener = make_server(pages, settings.ledger_host, settings.ledger_port)
    tasks.create_task(server.serve([listener]), name="interface")

    def end() -> None:
        server.should_exit = True

    ends.append(end)
    return ends


async def _tell_accesses(settings: LedgerSettings, refused: RefusedAccesses) -> None:
    async with open_redis(settings.redis_url, "ledger-audit", settings.redis_credentials) as redis:
        await tell_accesses(RedisLine(redis), StreamKeys(settings.shard), refused)


async def _run_and_linger(service: LedgerService, metrics: LedgerMetrics, settings: LedgerSettings) -> None:
    """Run. A ledger that can never go on stays for two scrapes, so that operators see why there is no record."""
    try:
        await service.run()
    except (RecordRefused, CorruptEntry) as error:
        metrics.stopped = 1
        service.unready = str(error)
        if settings.ledger_port:
            structlog.get_logger().error("the ledger cannot go on", reason=str(error), ends_in_s=LINGER_S)
            await service.wait_for_stop(LINGER_S)
        raise


def readiness(service: LedgerService) -> Readiness:
    """Tell whether the ledger writes."""
    if service.is_stopping:
        return Readiness(404, "draining: shutting down")
    lag_s = service.metrics.lag_s()
    if service.unready:
        return Readiness(503, f"{service.unready}; {lag_s:.0f} s behind" if lag_s else service.unready)
    return Readiness(200, f"writing, {lag_s:.1f} s behind" if lag_s else "writing, has all")


def command_with(interface: Interface) -> Callable[..., None]:
    """Return the service as a command, whose interface has more than the service alone can answer."""

    def main(
        database: Annotated[
            str | None,
            typer.Option(help="Where the record is: sqlite:///PATH or postgresql://USER@HOST:PORT/DATABASE."),
        ] = None,
        redis_url: Annotated[str | None, typer.Option(help="Where the logs are, redis://host:port/db.")] = None,
        shard: Annotated[int | None, typer.Option(help="Which market, if several share one Redis.")] = None,
        keys: Annotated[Path | None, typer.Option(help="Folder of what it proves with.")] = None,
        host: Annotated[str | None, typer.Option(help="Address of the interface, metrics and health.")] = None,
        port: Annotated[int | None, typer.Option(help="Port of all of them; 0 serves none.")] = None,
        secret_file: Annotated[Path | None, typer.Option(help="File with the key of HS256 tokens.")] = None,
        jwks: Annotated[str | None, typer.Option(help="Or the identity provider's keys: a file, or https://…")] = None,
        log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    ) -> None:
        """
        Run the ledger: it writes both logs into a database, and answers questions about the record.

        It may be late or dead without harm to the market. All settings can also come from the environment, as
        OUTCRY_LEDGER_DATABASE and so on; an option wins. Exit status: 0 stopped, 2 misconfigured, 4 another ledger
        writes, 5 a packet or row that cannot be written, named in the last line of the log, 6 other tables: migrate
        first.
        """
        raise typer.Exit(
            start(
                interface, ledger_database=database, redis_url=redis_url, shard=shard, ledger_keys=keys,
                ledger_host=host, ledger_port=port, secret_file=secret_file, jwks=jwks, log_level=log_level,
            )
        )  # fmt: skip

    return main


def start(interface: Interface = no_more, **options: Any) -> int:
    """Read the settings and run; returns the exit status."""
    try:
        settings = load_settings(LedgerSettings, {"jwks": check_key_place}, **options)
    except ConfigurationError as error:
        configure_logging()
        structlog.get_logger().error("cannot start", error=str(error))
        return LedgerExit.MISCONFIGURED
    return run(settings, interface)


main = command_with(no_more)


if __name__ == "__main__":
    command = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,  # theirs may show variables
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    command.command()(main)
    command()

"""The matching engine as a process: `python -m services.matching`."""

from __future__ import annotations

import asyncio
import enum
import gc
import os
import secrets
import signal
import socket
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Final

import structlog
import typer
import uvloop
from prometheus_client import CollectorRegistry

from openoutcry.wire.errors import ConfigurationError, OpenOutcryError
from services.matching.aio.build import build
from services.matching.aio.instruments_file import read_instruments
from services.matching.aio.metrics import EngineStateCollector, MatchingMetrics
from services.matching.aio.service import MatchingService
from services.matching.aio.settings import MatchingSettings
from shared.aio.build_info import tell_build
from shared.aio.first_error import first_of
from shared.aio.health_pages import HealthPages, Readiness, serve_pages
from shared.aio.logging import configure_logging
from shared.aio.loop_lag import watch_loop_lag
from shared.aio.redis_connection import open_redis
from shared.aio.settings import load_settings
from shared.aio.tracing import check_tracing, open_tracing
from shared.store_errors import CorruptEntry, LaterRelease, LeadershipLost, StoreUnavailable

COLLECTOR_THRESHOLDS: Final = (10_000, 10_000, 1_000)
"""Of the garbage collector. An order book is millions of objects that live long and form no cycles but its queues'
links, which are cut by hand: walking through them in the middle of trading would cost milliseconds and find nothing. So
the young are looked at, 10,000 at a time, some 4 ms while a book grows; 100,000 took 40. The others nearly never."""

LINGER_S: Final = 12.0
"""How long an engine that will end with status 5 still shows its metrics: two scrapes of five seconds, and some."""


class ExitCode(enum.IntEnum):
    """How the process ended."""

    STOPPED = 0
    """Asked to, by SIGTERM or SIGINT."""
    MISCONFIGURED = 2
    FENCED = 3
    """Another engine leads; start again to stand by."""
    STORE_UNAVAILABLE = 4
    """Redis was away, or refused the password or a command, for too long; start again."""
    CORRUPT = 5
    """The store holds what no writer writes; a person must look."""
    LATER_RELEASE = 6
    """The command log goes on by the rules of a later release; start that."""


_EXIT_CODES: dict[type[OpenOutcryError], ExitCode] = {
    ConfigurationError: ExitCode.MISCONFIGURED,
    LeadershipLost: ExitCode.FENCED,
    StoreUnavailable: ExitCode.STORE_UNAVAILABLE,
    CorruptEntry: ExitCode.CORRUPT,
    LaterRelease: ExitCode.LATER_RELEASE,
}


def run(settings: MatchingSettings) -> int:
    """Run one engine until it is stopped or cannot go on; returns the process's exit code."""
    configure_logging(settings.log_level)
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    try:
        uvloop.run(_serve(settings))
    except tuple(_EXIT_CODES) as error:
        code = _EXIT_CODES[type(error)]
        structlog.get_logger().error("the engine stopped", reason=str(error), exit_code=int(code))
        return code
    return ExitCode.STOPPED


async def _serve(settings: MatchingSettings) -> None:
    registry = CollectorRegistry()
    tell_build(registry)
    metrics = MatchingMetrics(registry)
    instruments = read_instruments(settings.instruments_file)
    async with (
        open_redis(settings.redis_url, "matching-reader", settings.redis_credentials) as reading,
        open_redis(settings.redis_url, "matching", settings.redis_credentials) as writing,
    ):
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        traces = open_tracing(settings, "matching", name)
        service = build(settings, instruments, reading, writing, name, metrics, SystemRandom(), traces=traces)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, service.stop)
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = [tasks.create_task(watch_loop_lag(metrics.event_loop_lag.observe), name="loop lag")]
                if settings.metrics_port:
                    pages = HealthPages(
                        _with_state(registry, service), lambda: readiness(service), lambda: notice(service)
                    )
                    watching.append(tasks.create_task(_serve_pages(settings, pages), name="pages"))
                await _run_and_linger(service, metrics, settings)
                for task in watching:
                    task.cancel()
        except BaseExceptionGroup as group:
            raise first_of(OpenOutcryError, group) from group
        finally:
            if traces is not None:
                traces.close()


async def _run_and_linger(service: MatchingService, metrics: MatchingMetrics, settings: MatchingSettings) -> None:
    """Run. An engine that can never go on stays for two scrapes, so that operators see why there is no leader."""
    try:
        await service.run()
    except* CorruptEntry as errors:
        if settings.metrics_port:
            metrics.broken.set(1)
            structlog.get_logger().error(
                "the engine cannot go on", reason=str(first_of(OpenOutcryError, errors)), ends_in_s=LINGER_S
            )
            await service.wait_for_stop(LINGER_S)
        raise


def _with_state(registry: CollectorRegistry, service: MatchingService) -> CollectorRegistry:
    registry.register(EngineStateCollector(service.state))
    return registry


def readiness(service: MatchingService) -> Readiness:
    """Tell whether an engine leads or could lead at once; the role is the answer's text."""
    state = service.state()
    if service.is_stopping:
        return Readiness(404, "draining: shutting down")
    if state.unready:
        return Readiness(503, f"{state.role.value}: {state.unready}")
    return Readiness(200, state.role.value)


def notice(service: MatchingService) -> str:
    """Say so if one administrator is enough for everything in this market."""
    return "" if service.state().four_eyes else "four_eyes = false: one administrator is enough for everything"


async def _serve_pages(settings: MatchingSettings, pages: HealthPages) -> None:
    host, port = settings.metrics_host, settings.metrics_port
    try:
        server = await serve_pages(host, port, pages)
    except OSError as error:
        raise ConfigurationError(f"OUTCRY_METRICS_PORT: cannot listen on {host}:{port}: {error.strerror}") from error
    try:
        await asyncio.Event().wait()
    finally:
        server.close()


def main(
    redis_url: Annotated[str | None, typer.Option(help="Where the logs are, redis://host:port/db.")] = None,
    shard: Annotated[int | None, typer.Option(help="Which market, if several share one Redis.")] = None,
    instruments_file: Annotated[Path | None, typer.Option(help="JSON list of instruments to list.")] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Port of metrics and health; 0 is off.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """
    Run a matching engine: read commands from Redis, match them, publish the feed.

    A second engine of the same shard stands by: it follows along, and leads within two seconds of the first one's
    death. All settings can also come from the environment, as OUTCRY_REDIS_URL and so on; an option wins. Exit
    status: 0 stopped, 2 misconfigured, 3 another engine leads, 4 Redis away or refusing for too long, 5 a corrupt
    entry, named in the last line of the log, 6 the log is a later release's.
    """
    try:
        settings = load_settings(
            MatchingSettings, {"instruments_file": read_instruments, "traces_url": check_tracing}, **locals()
        )
    except ConfigurationError as error:
        configure_logging()
        structlog.get_logger().error("cannot start", error=str(error))
        raise typer.Exit(ExitCode.MISCONFIGURED) from error
    raise typer.Exit(run(settings))


if __name__ == "__main__":
    command = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,  # theirs may show variables
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    command.command()(main)
    command()

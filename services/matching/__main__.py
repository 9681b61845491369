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
from prometheus_client import CollectorRegistry, start_http_server

from services.matching.aio.instruments_file import read_instruments
from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.service import MatchingService
from services.matching.settings import MatchingSettings
from shared.aio.logging import configure_logging
from shared.aio.redis_connection import open_redis
from shared.errors import ConfigurationError, CorruptEntry, LeadershipLost, OpenOutcryError, StoreUnavailable
from shared.settings import load_settings

COLLECTOR_THRESHOLDS: Final = (100_000, 50, 1_000)
"""Of the garbage collector. An order book is millions of objects that live long and form no cycles but its queues'
links, which are cut by hand: walking through them in the middle of trading would cost milliseconds and find nothing."""


class ExitCode(enum.IntEnum):
    """How the process ended."""

    STOPPED = 0
    """Asked to, by SIGTERM or SIGINT."""
    MISCONFIGURED = 2
    FENCED = 3
    """Another engine leads; start again to stand by."""
    STORE_UNAVAILABLE = 4
    """Redis was away for too long; start again."""
    CORRUPT = 5
    """The store holds what no writer writes; a person must look."""


_EXIT_CODES: dict[type[OpenOutcryError], ExitCode] = {
    ConfigurationError: ExitCode.MISCONFIGURED,
    LeadershipLost: ExitCode.FENCED,
    StoreUnavailable: ExitCode.STORE_UNAVAILABLE,
    CorruptEntry: ExitCode.CORRUPT,
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
    metrics = MatchingMetrics(registry)
    instruments = read_instruments(settings.instruments_file)
    if settings.metrics_port:
        _serve_metrics(settings.metrics_port, registry)
    async with (
        open_redis(settings.redis_url, "matching-reader") as reading,
        open_redis(settings.redis_url, "matching") as writing,
    ):
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        service = MatchingService(settings, instruments, reading, writing, name, metrics, SystemRandom())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, service.stop)
        try:
            await service.run()
        except BaseExceptionGroup as group:
            raise _first(group) from group


def _serve_metrics(port: int, registry: CollectorRegistry) -> None:
    try:
        start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise ConfigurationError(f"OUTCRY_METRICS_PORT: cannot listen on 127.0.0.1:{port}: {error.strerror}") from error


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group whose errors are all ours; of any other the group, for its traceback."""
    _, others = group.split(OpenOutcryError)
    error: BaseException = group
    while others is None and isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def main(
    redis_url: Annotated[str | None, typer.Option(help="Where the logs are, redis://host:port/db.")] = None,
    shard: Annotated[int | None, typer.Option(help="Which market, if several share one Redis.")] = None,
    instruments_file: Annotated[Path | None, typer.Option(help="JSON list of instruments to list.")] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Prometheus metrics on 127.0.0.1; 0 is off.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """
    Run a matching engine: read commands from Redis, match them, publish the feed.

    A second engine of the same shard stands by: it follows along, and leads within two seconds of the first one's
    death. All settings can also come from the environment, as OUTCRY_REDIS_URL and so on; an option wins. Exit
    status: 0 stopped, 2 misconfigured, 3 another engine leads, 4 Redis away for too long, 5 a corrupt entry, named in
    the last line of the log.
    """
    try:
        settings = load_settings(MatchingSettings, **locals())
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
    raise typer.Exit(run(settings))


if __name__ == "__main__":
    typer.run(main)

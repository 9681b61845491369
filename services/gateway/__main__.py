"""`python -m services.gateway`: run one gateway replica."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer
import uvloop

from openoutcry.wire.errors import ConfigurationError
from services.gateway.aio.page_folder import read_page
from services.gateway.aio.server import GatewayServer
from services.gateway.aio.settings import GatewaySettings
from shared.aio.key_source import check_key_place, read_secret
from shared.aio.logging import configure_logging
from shared.aio.settings import Check, load_settings
from shared.aio.tracing import check_tracing

COLLECTOR_THRESHOLDS: Final = (5_000, 10, 10_000)
"""Of the garbage collector. A full collection walks through every connection, 170 ms for 9,000 of them, and finds
nothing: what ends leaves no circles (`services.gateway.aio.connection`). So the young are looked at, and the old nearly
never."""

CHECKS: Final[Mapping[str, Check]] = {
    "secret_file": read_secret,
    "jwks": check_key_place,
    "traces_url": check_tracing,
}


def run(settings: GatewaySettings) -> int:
    """
    Serve until SIGTERM or SIGINT; the process's exit status.

    Returns:
        0 after an ordered stop, 2 if the settings are wrong or the address is taken.
    """
    configure_logging(settings.log_level)
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    try:
        uvloop.run(_serve(settings, b"" if settings.jwks else read_secret(settings.secret_file)))
    except ConfigurationError as error:
        structlog.get_logger().error("cannot start", error=str(error))
        return 2
    except OSError as error:
        structlog.get_logger().error("cannot listen", host=settings.host, port=settings.port, error=str(error))
        return 2
    return 0


async def _serve(settings: GatewaySettings, secret: bytes) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = GatewayServer(settings, secret, settings.limits(), read_page(settings))
    if settings.tls_cert is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, server.reload_certificate)
    gc.freeze()  # modules and wiring live as long as the process: later collections need not look at them
    await server.run(stop)


def main(
    redis_url: Annotated[str | None, typer.Option(help="Redis with the command log and the feed.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[str | None, typer.Option(help="Port to listen on, or a range; 0 takes a free one.")] = None,
    secret_file: Annotated[Path | None, typer.Option(help="File with the key of HS256 tokens.")] = None,
    jwks: Annotated[str | None, typer.Option(help="Or the identity provider's keys: a file, or https://…")] = None,
    pace_ms: Annotated[float | None, typer.Option(help="Shortest time between two flushes, ms.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Run one gateway: it follows the feed and serves WebSocket users. Each option is also OUTCRY_<NAME>."""
    try:
        settings = load_settings(GatewaySettings, CHECKS, {"jwks": "secret_file"}, **locals())
    except ConfigurationError as error:
        configure_logging()
        structlog.get_logger().error("cannot start", error=str(error))
        raise typer.Exit(2) from error
    raise typer.Exit(run(settings))


if __name__ == "__main__":
    command = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,  # theirs may show variables
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    command.command()(main)
    command()

"""`outcry replay`: recorded order flow for a running exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from outcry.cli.parameters import Speed, read_speed
from outcry.cli.running import reported_errors, run_command
from outcry.flow.aio.lobster_file import LobsterFile
from outcry.flow.aio.replay import Replay
from outcry.flow.aio.replay_command import run_replay
from shared.redis_url import checked_redis_url

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="LOBSTER messages, .csv or .csv.gz.")],
    instrument: Annotated[str, typer.Option(help="The instrument that they trade; it is listed if it is not yet.")],
    redis_url: Annotated[str, typer.Option(envvar="OUTCRY_REDIS_URL", help="The exchange's Redis.")],
    speed: Speed = "1",
) -> None:
    """
    Feed recorded order flow into a running exchange.

    A new order becomes a limit order, a partial cancellation a replace, a deletion a cancel, and an execution of a
    visible order the marketable order that caused it. What the file does not say is counted, never guessed.
    """
    with reported_errors():
        try:
            checked_redis_url(redis_url)
        except ValueError as error:  # which quotes nothing: what is wrong may be the password
            raise ConfigurationError(f"--redis-url: {error}") from None
        Instrument(instrument).checked()

    async def run() -> None:
        replay = Replay(redis_url, file, instrument, read_speed(speed))
        with LobsterFile(file):
            pass  # A wrong name is told at once, and not after the time that Redis has to answer.
        await run_replay(replay, Console(stderr=True))

    run_command(run())

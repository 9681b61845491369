"""`outcry replay`: recorded order flow for a running exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from outcry.cli.parameters import Speed, read_speed
from outcry.cli.running import FAILED, leave, reported_errors, run_command, say
from outcry.flow.aio.lobster_file import LobsterFile
from outcry.flow.aio.replay import Replay
from outcry.flow.aio.replay_command import run_replay
from outcry.time_machine.aio.ledger_record import LedgerRecord, reading_engine
from outcry.time_machine.aio.ledger_replay import LedgerReplay, ReplayResult
from outcry.time_machine.time_text import DAY_US, read_clock, read_day
from services.matching.aio.settings import MatchingSettings
from shared.aio.logging import configure_logging
from shared.aio.settings import load_settings
from shared.redis_url import checked_redis_url

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def replay(
    redis_url: Annotated[str, typer.Option(envvar="OUTCRY_REDIS_URL", help="The exchange's Redis.")],
    file: Annotated[Path | None, typer.Argument(help="LOBSTER messages, .csv or .csv.gz.")] = None,
    instrument: Annotated[
        str | None, typer.Option(help="The instrument that they trade; it is listed if it is not yet.")
    ] = None,
    speed: Speed = "1",
    from_ledger: Annotated[
        str | None, typer.Option(help="Instead of a file, a day (UTC) of the ledger's record, such as 2026-11-20.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(envvar="OUTCRY_LEDGER_DATABASE", help="The ledger's; with --from-ledger.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="Of the day: from then on, such as 09:00Z.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Of the day: before then, such as 10:00Z.")] = None,
) -> None:
    """
    Feed recorded order flow into a running exchange.

    With --from-ledger a past day is played into an empty store instead, as it was: gateways on it show the same books,
    seqs and digests, and nobody can trade. It ends with "equal to the record", or the first difference (status 1).

    A new order becomes a limit order, a partial cancellation a replace, a deletion a cancel, and an execution of a
    visible order the marketable order that caused it. What the file does not say is counted, never guessed.
    """
    with reported_errors():
        try:
            checked_redis_url(redis_url)
        except ValueError as error:  # which quotes nothing: what is wrong may be the password
            raise ConfigurationError(f"--redis-url: {error}") from None
        if from_ledger is not None:
            if file is not None or instrument is not None:
                raise ConfigurationError("give a file and its instrument, or --from-ledger")
            day = read_day(from_ledger, "--from-ledger")
            from_us = day + (read_clock(start, "--from") if start is not None else 0)
            until_us = day + (read_clock(end, "--to") if end is not None else DAY_US)
            if from_us >= until_us:
                raise ConfigurationError("--to: must be later than --from")
            if database is None:
                raise ConfigurationError("--database: where the ledger's record is")
            record = LedgerRecord(reading_engine(database))
            settings = load_settings(MatchingSettings, redis_url=redis_url)
            ledger_replay = LedgerReplay(record, settings, from_us, until_us, read_speed(speed), say)
    if from_ledger is not None:
        configure_logging("warning")
        result: ReplayResult = run_command(ledger_replay.run())
        print(result.text())
        leave(0 if result.difference is None else FAILED)
    with reported_errors():
        if file is None or instrument is None:
            raise ConfigurationError("give a file and --instrument, or --from-ledger")
        Instrument(instrument).checked()

    async def run() -> None:
        replay = Replay(redis_url, file, instrument, read_speed(speed))
        with LobsterFile(file):
            pass  # A wrong name is told at once, and not after the time that Redis has to answer.
        await run_replay(replay, Console(stderr=True))

    run_command(run())

"""`outcry ledger verify`: whether the record is what follows from its commands."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from openoutcry.wire.errors import ConfigurationError
from outcry.cli.past_options import Database
from outcry.cli.proof_input import keys_in
from outcry.cli.running import FAILED, MISUSED, leave, say
from outcry.time_machine.aio.verify_run import JOBS_MAX, verify
from outcry.time_machine.time_text import DAY_US, read_day, read_moment
from outcry.time_machine.unrecorded import DamagedRecord, NotRecorded, OtherRelease
from services.ledger.proof.salt import read_salt_keys

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command("verify")
def verify_ledger(
    database: Database,
    start: Annotated[
        str | None, typer.Option("--from", help="A day or a moment: from the last mark before it on.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="A day, its end, or a moment: up to the mark after it.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=JOBS_MAX, help="Processes; without it, one a processor.")] = min(
        os.cpu_count() or 1, JOBS_MAX
    ),
    report: Annotated[Path | None, typer.Option(help="Write all that was found there too, as JSON.")] = None,
    key: Annotated[Path | None, typer.Option(help="Public keys: check the heads' signatures too.")] = None,
    salts: Annotated[Path | None, typer.Option(help="The ledger's salts: make the blocks' roots again too.")] = None,
) -> None:
    """
    Replay the record, and compare everything that the ledger has written with what follows from the commands.

    Status 0: clean. 1: it differs, and the first 20 differences are named. 2: it could not be looked at.
    """
    try:
        from_us = _moment(start, "--from", 0) if start is not None else None
        until_us = _moment(end, "--to", DAY_US) if end is not None else None
        if from_us is not None and until_us is not None and from_us >= until_us:
            raise ConfigurationError("--from: must be before --to")
        found = verify(
            database,
            from_us=from_us,
            until_us=until_us,
            jobs=jobs,
            keys=keys_in(key) if key is not None else None,
            salts=read_salt_keys(_text(salts, "--salts")) if salts is not None else None,
            say=say,
        )
        if report is not None:
            report.write_text(json.dumps(found.fields(), indent=1) + "\n", encoding="utf-8")
    except DamagedRecord as damaged:
        print(damaged)
        print("not clean: what the record says of itself cannot be, so the rest was not looked at")
        leave(FAILED)
    except (ConfigurationError, NotRecorded, OtherRelease, OSError) as error:
        say(f"outcry: {error}")
        leave(MISUSED)
    print("\n".join(found.lines()))
    leave(0 if found.is_clean else FAILED)


def _moment(text: str, name: str, after_day: int) -> int:
    """Read a day or a moment; a day is where it begins, or (after_day) ends."""
    return read_moment(text, name).time_us if len(text) > len("2026-11-20") else read_day(text, name) + after_day


def _text(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name}: {error}") from error

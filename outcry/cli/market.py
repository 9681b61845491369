"""`outcry market`: a market's days, planned ahead."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from outcry.administration.aio.desk import Desk
from outcry.cli.admin import HERE, TokenOption, Url
from outcry.cli.running import refuse, run_command

DAYS_MAX = 260
"""A year of trading days."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Plan a market's days: turn the calendars of its file into moments that the exchange follows.",
)


@app.callback()
def main() -> None:
    """Have a name of its own for each command, though there is one."""


@app.command()
def schedule(
    file: Annotated[Path, typer.Argument(help="The market's file, with [calendars.NAME].")],
    token: TokenOption,
    url: Url = HERE,
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="Trading days that are planned.")] = 30,
    start: Annotated[str, typer.Option(help="First day, such as 2026-12-01; without it, today.")] = "",
) -> None:
    """
    Propose the schedule of each calendar of the file; another administrator confirms it.

    A local time that a day does not have, or has twice, is refused by name and date, and nothing is proposed.
    """
    try:
        first = date.fromisoformat(start) if start else datetime.now(UTC).date()
    except ValueError:
        refuse(f"--start: must be a date such as 2026-12-01, not {start}")
    run_command(Desk(url, token, print).schedule(file, first, days))
